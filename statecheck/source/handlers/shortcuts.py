"""Where code answers with what it finds in place of asking a model: a cache of answers, which keeps no conversation."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import last_name, own_nodes, stored_names
from statecheck.source.code.slips import functions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statecheck.source.code.modules import Module

_STORES = frozenset(
    (
        *("write_text", "write_bytes", "open", "dump", "set", "aset", "setex", "hset", "put", "save", "add", "insert"),
        *("execute", "executemany", "mkdir", "update", "unlink", "setdefault", "touch"),
    )
)
"""Calls by which an answer is put into a cache."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One of them.

    Attributes:
        function: in which it stands.
        looked_up: the lines that look for an answer.
        answered: where what was found is returned.
    """

    function: str
    looked_up: tuple[Anchor, ...]
    answered: Anchor


def find_shortcuts(modules: Iterable[Module]) -> Iterator[Shortcut]:
    """Yield them, of these modules."""
    for module in modules:
        for function in functions(module.ast):
            nodes = list(own_nodes(function))
            bound = {name for name, _ in stored_names(function)}
            for node in nodes:
                if isinstance(node, ast.If) and (given := _given(node)) is not None:
                    found = _names(node.test) & bound
                    if not _goes_on(nodes, node, found) and _asks_later(nodes, node):
                        lines = [*_lines_of(nodes, node, found), *range(node.lineno, (node.end_lineno or 0) + 1)]
                        looked_up = tuple(Anchor(module.shown, line, "read") for line in dict.fromkeys(lines))
                        yield Shortcut(function.name, looked_up, Anchor(module.shown, given.lineno))


def _given(node: ast.If) -> ast.Return | None:
    """What an `if` returns of what its test has found; None where it does something else, or has found nothing."""
    *_, last = node.body
    if node.orelse or not isinstance(last, ast.Return) or last.value is None or _is_negative(node.test):
        return None
    made = {name for statement in node.body for name in _stored(statement)}
    return last if _names(last.value) & (_names(node.test) | made) else None


def _is_negative(test: ast.expr) -> bool:
    """Whether a test asks for what is not there: `not row`, `row is None`, `key not in cache`."""
    if isinstance(test, ast.UnaryOp):
        return isinstance(test.op, ast.Not)
    if isinstance(test, ast.Compare):
        absent = isinstance(test.ops[0], ast.NotIn)
        nothing = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None
        return absent or (nothing and isinstance(test.ops[0], (ast.Is, ast.Eq)))
    return isinstance(test, ast.BoolOp) and any(map(_is_negative, test.values))


def _goes_on(nodes: list[ast.AST], node: ast.If, found: set[str]) -> bool:
    """Whether what was found is used after that too, other than to store an answer there."""
    end = node.end_lineno or node.lineno
    later = [each for each in nodes if getattr(each, "lineno", 0) > end]
    aside = {inner for each in later if _stores(each) for inner in ast.walk(each)}
    aside |= {inner for each in later if isinstance(each, ast.Assign) for t in each.targets for inner in ast.walk(t)}
    return any(isinstance(each, ast.Name) and each.id in found and each not in aside for each in later)


def _stores(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) in _STORES


def _asks_later(nodes: list[ast.AST], node: ast.If) -> bool:
    end = node.end_lineno or node.lineno
    return any(isinstance(each, ast.Call) and each.lineno > end and not _stores(each) for each in nodes)


def _lines_of(nodes: list[ast.AST], node: ast.If, found: set[str]) -> Iterator[int]:
    """Yield the lines of the last statements that give a value to what the test looks at."""
    for name in sorted(found):
        before = [each for each in nodes if isinstance(each, ast.stmt) and name in _stored(each)]
        before = [each for each in before if each.lineno <= node.lineno and each is not node]
        simple = [each for each in before if not hasattr(each, "body")]
        for last in simple[-1:]:
            yield from range(last.lineno, (last.end_lineno or last.lineno) + 1)


def _stored(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
