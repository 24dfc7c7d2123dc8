"""Saves that a condition keeps from happening: `if len(messages) > 2: path.write_text(...)`, `if not dirty: return`.

A call of a function of the project's that saves is a save too.
"""

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
_KEYS = frozenset(
    ("rpush", "lpush", "hset", "setex", "insert_one", "insert_many", "replace_one", "update_one", "put_item")
)
_WRITE = "write"
_STATEMENTS = frozenset(("execute", "executemany"))
_WRITES = re.compile(r"\s*(INSERT|UPDATE|REPLACE)\b", re.IGNORECASE)


def find_guarded_saves(modules: Sequence[Module], callers: Callers) -> Iterator[Slip]:
    """Yield each: its name is the condition in the words of the code, it is made there and used where it would save."""
    saving = _list_saving(modules)
    if not saving:
        return
    for module in modules:
        for function in functions(module.ast):
            for guard, save in _guarded(function, saving):
                made = Anchor(module.shown, guard.lineno)
                used = (Anchor(module.shown, save.lineno, "written"),)
                shown = f"if {ast.unparse(guard.test)}"[:80]
                yield Slip("guarded", shown, function.name, callers.of(function.name), made, used)


def _list_saving(modules: Sequence[Module]) -> frozenset[str]:
    """The names of the functions of the project that save by themselves, or in a function that they call."""
    able = [m for m in modules if any(name in m.text for name in (*_FILES, *_KEYS, *_STATEMENTS, _WRITE))]
    direct = {f.name for m in able for f in functions(m.ast) if _first_save(f.body, frozenset()) or _writes_file(f)}
    named = [m for m in modules if any(name in m.text for name in direct)]
    return frozenset(
        direct | {f.name for m in named for f in functions(m.ast) if _first_save(f.body, frozenset(direct))}
    )


def _writes_file(function: Function) -> bool:
    """Whether a function opens a file, and writes to it: not any `write` is one to a file."""
    names = {last_name(node.func) for node in walk(function) if isinstance(node, ast.Call)}
    return {"open", _WRITE} <= names


def _guarded(function: Function, saving: frozenset[str]) -> Iterator[tuple[ast.If, ast.Call]]:
    """Yield the conditions of a function with the first save that each keeps from happening."""
    for node in own_nodes(function):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None), getattr(node, "finalbody", None)):
            yield from _left_early(block if isinstance(block, list) else [], saving)
        if isinstance(node, ast.If):
            save = _first_save(node.body, saving)
            if save is not None:
                yield node, save
    yield from _left_early(function.body, saving)


def _left_early(block: list[ast.stmt], saving: frozenset[str]) -> Iterator[tuple[ast.If, ast.Call]]:
    """`if len(log) < 4: return`, and the save after it."""
    for place, statement in enumerate(block):
        if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return) and not statement.orelse:
            save = _first_save(block[place + 1 :], saving)
            if save is not None and statement.body[-1].value is None:
                yield statement, save


def _first_save(block: Sequence[ast.stmt], saving: frozenset[str]) -> ast.Call | None:
    calls = (node for statement in block for node in walk(statement) if isinstance(node, ast.Call))
    return next((call for call in calls if _saves(call, saving)), None)


def _saves(call: ast.Call, saving: frozenset[str]) -> bool:
    name = last_name(call.func)
    if name in _FILES or name in _KEYS or (name in saving and _is_of_the_project(call.func)):
        return True
    first = call.args[0] if call.args else None
    text = first.value if isinstance(first, ast.Constant) else None
    return name in _STATEMENTS and isinstance(text, str) and _WRITES.match(text) is not None


def _is_of_the_project(function: ast.expr) -> bool:
    """Whether a name is called, or a method of the same object: `append(...)` may be ours, `messages.append` is not."""
    method = (
        isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "self"
    )
    return isinstance(function, ast.Name) or method
