"""What code does to a session's key that makes two keys one: another case, no punctuation, its end or a remainder."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import last_name, name_scopes, own_nodes
from statecheck.source.roles import as_set, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

_METHODS = frozenset(("lower", "upper", "casefold", "capitalize", "title", "swapcase", "replace", "translate", "split"))
_MATCHES = frozenset(("startswith", "endswith", "scan_iter", "glob", "like", "ilike", "contains"))
_FUNCTIONS = frozenset(("sub", "subn", "slugify", "secure_filename", "get_close_matches", "unidecode", "normalize"))
_TESTS = frozenset(("isalnum", "isalpha", "isdigit", "isdecimal"))
_LIKE = (" like ", "collate nocase", "lower(", "upper(", "ilike")
_KEYS = as_set(
    "session sessions sid thread threads user users username uid who id ids key keys conversation conv chat chats room "
    "rooms channel customer client account member guest person email phone login name owner pupil student patient"
)
_MAKES_KEYS = as_set(
    "key keys id ids sid slug safe norm normal normalize normalise canonical clean sanitize path file filename folder"
)
"""Words of functions that make a key, or a file's name, whatever their parameter is called."""
_HINTS = (*_METHODS, *_MATCHES, *_FUNCTIONS, *_TESTS, "[:", "[-", " % ", "LIKE", "NOCASE", "LOWER(", "UPPER(")


@dataclass(frozen=True, slots=True)
class Folding:
    """One place where keys that differ may become one.

    Attributes:
        text: in the words of the code: `room.lower()`.
        function: the function in which it stands, or "".
    """

    text: str
    function: str
    anchor: Anchor


def find_foldings(tree: SourceTree) -> tuple[Folding, ...]:
    """Return where the modules of a tree may make two keys one, in the order of their lines."""
    return tuple(
        folding
        for module in tree.modules()
        if any(hint in module.text for hint in _HINTS)
        for folding in sorted(_in_module(module), key=lambda each: each.anchor.line)
    )


def _in_module(module: Module) -> Iterator[Folding]:
    for name, scope in name_scopes(module.ast):
        for node in own_nodes(scope):
            folded = _folded(node)
            if folded is None:
                continue
            if _MAKES_KEYS & {*words(name)} or _KEYS & {word for each in folded for word in words(each)}:
                assert isinstance(node, ast.expr)
                yield Folding(ast.unparse(node)[:80], name, Anchor(module.shown, node.lineno))


def _folded(node: ast.AST) -> list[str] | None:
    """The names in what a node makes alike, or asks for by a part; None where it does neither."""
    if isinstance(node, ast.Call):
        name = last_name(node.func)
        if isinstance(node.func, ast.Attribute) and name in _METHODS | _TESTS | _MATCHES:
            return [*_names(node.func.value), *(each for argument in node.args for each in _names(argument))]
        return [each for argument in node.args for each in _names(argument)] if name in _FUNCTIONS else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return _names(node.value) if _takes_end(node.slice) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and not isinstance(node.left, ast.Constant):
        return _names(node.left)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value.lower()
        return [text] if any(sign in text for sign in _LIKE) else None
    return None


def _takes_end(part: ast.Slice) -> bool:
    """Whether a slice is the first letters of a text, or the last ones."""
    if part.lower is None:
        return isinstance(part.upper, (ast.Constant, ast.Name))
    return part.upper is None and isinstance(part.lower, ast.UnaryOp)


def _names(node: ast.AST) -> list[str]:
    found = [last_name(each) for each in ast.walk(node) if isinstance(each, (ast.Name, ast.Attribute))]
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return [*found, *(text for text in texts if isinstance(text, str) and text.isidentifier())]
