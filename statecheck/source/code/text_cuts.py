"""Whether the user's code takes texts apart, or has room for so many characters: a message may come back cut."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, walk

if TYPE_CHECKING:
    from statecheck.source.code.tree import SourceTree

_APART = ("split", "rsplit", "splitlines", "partition", "rpartition", "readline", "readlines")
_MODULES = ("csv", "re")
_MATCHES = ("compile", "match", "fullmatch", "search", "findall", "finditer")
_ROOM = ("String", "VARCHAR", "CharField", "shorten")
_COLUMN = re.compile(r"\b(?:VAR)?CHAR(?:ACTER VARYING)?\s*\(\s*\d", re.IGNORECASE)
_LINES = ("line", "row", "entry", "record")


def cuts_texts(tree: SourceTree) -> bool:
    """Return whether a module of the tree splits texts, reads lines or rows, or keeps so many characters of a text."""
    return any(_cuts(node) for module in tree.modules() for node in walk(module.ast))


def _cuts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name, method = last_name(node.func), isinstance(node.func, ast.Attribute)
        if method and isinstance(node.func, ast.Attribute) and last_name(node.func.value) in _MODULES:
            return name in (*_MATCHES, "reader", "writer", "DictReader", "DictWriter", "split", "sub")
        return (name in _APART and method) or (name in _ROOM and bool(node.args or node.keywords))
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        return last_name(node.target) in _LINES
    if isinstance(node, ast.Subscript):  # `text[:200]`
        cut = node.slice
        return isinstance(cut, ast.Slice) and cut.lower is None and cut.upper is not None
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_COLUMN.search(node.value))
