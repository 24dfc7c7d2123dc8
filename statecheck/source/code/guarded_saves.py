"""Saves that a condition keeps from happening: `if len(messages) > 2: path.write_text(...)`, `if not dirty: return`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import Function, last_name, own_nodes, walk
from statecheck.source.code.slips import Callers, Slip, functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.code.modules import Module

_FILES = frozenset(("write_text", "write_bytes", "dump", "persist"))
_STATEMENTS = frozenset(("execute", "executemany"))
_WRITES = re.compile(r"\s*(INSERT|UPDATE|REPLACE)\b", re.IGNORECASE)


def find_guarded_saves(modules: Sequence[Module], callers: Callers) -> Iterator[Slip]:
    """Yield each: its name is the condition in the words of the code, it is made there and used where it would save."""
    for module in modules:
        if not any(name in module.text for name in (*_FILES, *_STATEMENTS)):
            continue
        for function in functions(module.ast):
            for guard, save in _guarded(function):
                made = Anchor(module.shown, guard.lineno)
                used = (Anchor(module.shown, save.lineno, "written"),)
                shown = f"if {ast.unparse(guard.test)}"[:80]
                yield Slip("guarded", shown, function.name, callers.of(function.name), made, used)


def _guarded(function: Function) -> Iterator[tuple[ast.If, ast.Call]]:
    """Yield the conditions of a function with the first save that each keeps from happening."""
    for node in own_nodes(function):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None), getattr(node, "finalbody", None)):
            yield from _left_early(block if isinstance(block, list) else [])
        if isinstance(node, ast.If):
            save = _first_save(node.body)
            if save is not None:
                yield node, save
    yield from _left_early(function.body)


def _left_early(block: list[ast.stmt]) -> Iterator[tuple[ast.If, ast.Call]]:
    """`if len(log) < 4: return`, and the save after it."""
    for place, statement in enumerate(block):
        if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return) and not statement.orelse:
            save = _first_save(block[place + 1 :])
            if save is not None and statement.body[-1].value is None:
                yield statement, save


def _first_save(block: Sequence[ast.stmt]) -> ast.Call | None:
    calls = (node for statement in block for node in walk(statement) if isinstance(node, ast.Call))
    return next(filter(_saves, calls), None)


def _saves(call: ast.Call) -> bool:
    name = last_name(call.func)
    if name in _FILES:
        return True
    first = call.args[0] if call.args else None
    text = first.value if isinstance(first, ast.Constant) else None
    return name in _STATEMENTS and isinstance(text, str) and _WRITES.match(text) is not None
