"""Where the user's code puts things into a container and takes them out, and what it calls, by their names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.model import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.tree import SourceTree

_PUTS = frozenset({"append", "extend", "insert", "add", "update", "setdefault", "appendleft", "set", "put", "push"})
_TAKES = frozenset({"get", "pop", "copy", "items", "values", "setdefault", "read"})


def uses(tree: SourceTree, name: str) -> tuple[Anchor, ...]:
    """Lines that write to or read from whatever is called `name` (`sessions`, `self.sessions`), the writes first.

    Each anchor's text is `written` or `read`.
    """
    found = [
        Anchor(module.shown, line, what)
        for module in tree.modules()
        if name in module.text
        for line, what in _in_module(module.ast, name)
    ]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda anchor: (anchor.text != "written", anchor.path, anchor.line)))


def calls_method(tree: SourceTree, names: tuple[str, ...]) -> bool:
    """Return whether a module of the tree calls a method of one of these names."""
    called = (
        node.func.attr
        for module in tree.modules()
        if any(name in module.text for name in names)
        for node in ast.walk(module.ast)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )
    return any(name in names for name in called)


def _in_module(tree: ast.Module, name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is(node.value, name):
            yield node.lineno, "read" if isinstance(node.ctx, ast.Load) else "written"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is(node.func.value, name):
            if node.func.attr in _PUTS:
                yield node.lineno, "written"
            elif node.func.attr in _TAKES:
                yield node.lineno, "read"


def _is(node: ast.expr, name: str) -> bool:
    if isinstance(node, ast.Subscript):  # `app.extensions["bots"]`
        return isinstance(node.slice, ast.Constant) and node.slice.value == name
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
