"""What functions put back into a request's own state: it begins as a copy of the app's, and ends with the request.

Starlette gives each request a copy of the state that a lifespan yields: `request.state.talks = {...}` reaches no later
one. Flask's and Quart's `g` and Sanic's `request.ctx` begin empty.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import dotted, own_nodes
from statecheck.source.code.slips import Callers, Slip, functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.code.modules import Module
    from statecheck.source.code.scopes import Function

_STATES = ("request.state", "req.state", "websocket.state", "ws.state", "connection.state", "request.ctx")
_OWNERS = (*_STATES, "g")


def find_request_copies(modules: Sequence[Module], callers: Callers) -> Iterator[Slip]:
    """Yield what is made of what stood there before, so that a later request is meant to find it there.

    Where another function sets it as well (a middleware that loads it), it may be saved elsewhere too.
    """
    found: list[Slip] = []
    setters: Counter[str] = Counter()
    for module in modules:
        if not any(f"{owner}." in module.text for owner in _OWNERS):
            continue
        for function in functions(module.ast):
            assigned = [node for node in own_nodes(function) if isinstance(node, ast.Assign)]
            setters.update({name for node in assigned for name in _names_of(node)})
            found += _find_in(module, function, assigned, callers)
    return (slip for slip in found if setters[slip.name] == 1)


def _find_in(module: Module, function: Function, assigned: list[ast.Assign], callers: Callers) -> Iterator[Slip]:
    for node in assigned:
        for name in _names_of(node):
            holding = {
                target.id
                for other in assigned
                for target in other.targets
                if isinstance(target, ast.Name) and other.lineno < node.lineno and _reads(other.value, name)
            }
            named = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
            if _reads(node.value, name) or named & holding:
                lines = [line for each in own_nodes(function) for line in _read_at(each, name)]
                used = tuple(Anchor(module.shown, line, "read") for line in dict.fromkeys(lines))
                made = Anchor(module.shown, node.lineno)
                yield Slip("copied", name, function.name, callers.of(function.name), made, used)


def _names_of(node: ast.Assign) -> list[str]:
    """What an assignment sets of a request's own state: `request.state.talks`."""
    names = (dotted(target) for target in node.targets if isinstance(target, ast.Attribute))
    return [name for name in names if _is_of_a_request(name.rpartition(".")[0])]


def _is_of_a_request(owner: str) -> bool:
    return owner in _OWNERS or any(owner.endswith(f".{state}") for state in _STATES)


def _reads(value: ast.AST, name: str) -> bool:
    return any(True for each in ast.walk(value) for _ in _read_at(each, name))


def _read_at(node: ast.AST, name: str) -> Iterator[int]:
    """Yield the line of a node that reads a name: as an attribute, by `getattr`, or by `g.get`."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and dotted(node) == name:
        yield node.lineno
    elif isinstance(node, ast.Call):
        owner, _, last = name.rpartition(".")
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        called = dotted(node.func)
        by_name = called == f"{owner}.get" or (called == "getattr" and node.args and dotted(node.args[0]) == owner)
        if by_name and last in texts:
            yield node.lineno
