"""Lists that a function hands to a call, fills after that, and leaves at that."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import Function, dotted, last_name, parameters, walk
from statecheck.source.code.slips import LOOKS_AT, Callers, Slip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from statecheck.source.code.modules import Module

_PUTS = frozenset(("append", "extend", "insert", "appendleft", "add", "add_message", "update"))
_SILENT = frozenset(("len", "print", "debug", "info", "warning"))
"""Functions that count or log what they are given."""


def find_dropped_lists(modules: Sequence[Module], callers: Callers) -> Iterator[Slip]:
    """Yield them, of these modules."""
    for module in modules:
        if any(f".{put}(" in module.text for put in _PUTS) or "+" in module.text or "[*" in module.text:
            for function in _outermost(module.ast):
                yield from _in_function(module, function, callers)


def _in_function(module: Module, function: Function, callers: Callers) -> Iterator[Slip]:
    nodes = [node for statement in function.body for node in walk(statement)]
    puts = [(each, name) for each in nodes if isinstance(each, ast.stmt) and (name := _filled(each))]
    looked_at = [*(put for put, _ in puts), *(each for each in nodes if _is_silent(each))]
    aside = {inner for each in looked_at for inner in ast.walk(each)}
    for put, name in puts:
        after = put.end_lineno or put.lineno
        later = (node for node in nodes if getattr(node, "lineno", 0) > after and node not in aside)
        if any(_is_named(node, name) for node in later):
            continue
        taken = [each for each in nodes if isinstance(each, ast.Call) and (each.end_lineno or 0) < put.lineno]
        handed = [call for call in taken if _hands(call, name)]
        if not handed or _in_one_loop(nodes, put, handed):
            continue
        gets = [line for line in _bindings(function, nodes, name) if line <= handed[-1].lineno]
        if gets:
            calls = (Anchor(module.shown, line, "read") for line in _lines(handed))
            used = (*calls, Anchor(module.shown, put.lineno, "written"))
            made = Anchor(module.shown, gets[0])
            yield Slip("dropped", name, function.name, callers.of(function.name), made, used)


def _outermost(tree: ast.Module) -> Iterator[Function]:
    """Yield the functions that stand in no other: what a nested one closes over is theirs."""
    stack: list[ast.AST] = [tree]
    while stack:
        for child in ast.iter_child_nodes(stack.pop()):
            if isinstance(child, Function):
                yield child
            else:
                stack.append(child)


def _filled(node: ast.AST) -> str:
    """The name of the list that a statement puts something into that is no constant, or ""."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return dotted(node.target) if isinstance(node.value, (ast.List, ast.Tuple)) else ""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:  # `history = history + [answer]`, `[*history, answer]`
        name = dotted(node.targets[0])
        grows = isinstance(node.value, ast.BinOp) and isinstance(node.value.right, ast.List)
        spread = isinstance(node.value, ast.List) and any(isinstance(each, ast.Starred) for each in node.value.elts)
        return name if name and (grows or spread) and _names(node.value, name) else ""
    call = node.value if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _PUTS):
        return ""
    on = call.func.value
    while isinstance(on, ast.Subscript):  # `state["messages"].append(…)`
        on = on.value
    return dotted(on) if call.args and not all(isinstance(each, ast.Constant) for each in call.args) else ""


def _is_silent(node: ast.AST) -> bool:
    """Whether a node counts or logs what it is given."""
    return isinstance(node, ast.Call) and last_name(node.func) in _SILENT


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute)) and dotted(node) == name


def _names(node: ast.AST, name: str) -> bool:
    return any(_is_named(each, name) for each in ast.walk(node))


def _hands(call: ast.Call, name: str) -> bool:
    """Whether a call is given the list, or what stands in it."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return last_name(call.func) not in LOOKS_AT | _PUTS and any(_names(each, name) for each in given)


def _in_one_loop(nodes: list[ast.AST], put: ast.AST, handed: list[ast.Call]) -> bool:
    """Whether what is put there is handed over again when a loop goes round."""
    for loop in nodes:
        if isinstance(loop, (ast.For, ast.AsyncFor, ast.While)):
            inside = set(ast.walk(loop))
            if put in inside and any(call in inside for call in handed):
                return True
    return False


def _bindings(function: Function, nodes: list[ast.AST], name: str) -> list[int]:
    """The lines at which a function gets what is called so, the first first; its own for a parameter."""
    root = name.partition(".")[0]
    if root in {each.arg for each in parameters(function)}:
        return [function.lineno]
    return sorted(
        node.lineno
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == root
    )


def _lines(nodes: Iterable[ast.expr]) -> Iterator[int]:
    """Every line of these nodes: which of them a frame has is the interpreter's to say."""
    return iter(
        dict.fromkeys(line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))
    )
