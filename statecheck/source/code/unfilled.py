"""Containers that outlive requests, that are asked for a list of something, and that nothing fills."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import Function, last_name, own_nodes, walk
from statecheck.source.code.slips import LOOKS_AT, Callers, Slip, functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.code.modules import Module

_CACHES = ("TTLCache", "LRUCache", "LFUCache")
_EMPTY = frozenset(("dict", "list", "defaultdict", "OrderedDict", "deque", "WeakValueDictionary", "Dict", *_CACHES))
"""Calls that make a container with nothing in it."""
_OF_LISTS = ("list", "deque", "dict", "List")
_READS = frozenset(("get", "copy", "items", "values", "keys", "index", "count"))


def find_unfilled(modules: Sequence[Module], callers: Callers) -> Iterator[Slip]:
    """Yield them, of these modules."""
    for module in modules:
        for name, value, in_class in _containers(module.ast):
            around = [each for each in modules if name in each.text]
            if any(_fills(each.ast, name) for each in around):
                continue
            makes_lists = _makes_lists(value)
            for each in around:
                for function in functions(each.ast):
                    if in_class and function.name == "__init__":
                        continue
                    asked = _lines(function, name, makes_lists=makes_lists)
                    if asked:
                        used = tuple(Anchor(each.shown, line, "read") for line in dict.fromkeys(asked))
                        made = Anchor(module.shown, value.lineno)
                        yield Slip("unfilled", name, function.name, callers.of(function.name), made, used)


def _lines(function: Function, name: str, *, makes_lists: bool) -> list[int]:
    nodes = (node for node in own_nodes(function) if isinstance(node, ast.expr))
    return [node.lineno for node in nodes if _asks(node, name, makes_lists=makes_lists)]


def _containers(tree: ast.Module) -> Iterator[tuple[str, ast.expr, bool]]:
    """Yield what a module, a class or its objects begin with that is empty: name, value, and if it is a class's."""
    scopes: list[tuple[ast.Module | ast.ClassDef | Function, bool]] = [(tree, False)]
    for node in walk(tree):
        if isinstance(node, ast.ClassDef):
            scopes.append((node, True))
            scopes += [(each, True) for each in node.body if isinstance(each, Function) and each.name == "__init__"]
    for scope, in_class in scopes:
        for node in own_nodes(scope) if not isinstance(scope, ast.ClassDef) else scope.body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None or not _is_empty(node.value):
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            of_object = isinstance(target, ast.Attribute)
            if isinstance(scope, Function) != of_object and not (of_object and isinstance(scope, ast.Module)):
                continue  # a variable of `__init__` is gone with it
            yield last_name(target), node.value, in_class


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, (ast.Dict, ast.List)):
        return not (value.keys if isinstance(value, ast.Dict) else value.elts)
    if not isinstance(value, ast.Call) or last_name(value.func) not in _EMPTY:
        return False
    name = last_name(value.func)
    return not value.args or name in ("defaultdict", *_CACHES)


def _makes_lists(value: ast.expr) -> bool:
    """Whether what is asked for and is not there is a list, as of `defaultdict(list)`."""
    if not isinstance(value, ast.Call) or last_name(value.func) != "defaultdict" or not value.args:
        return False
    made = value.args[0]
    return last_name(made) in _OF_LISTS or (isinstance(made, ast.Lambda) and _is_empty(made.body))


def _fills(tree: ast.Module, name: str) -> bool:
    """Whether code puts something into what is called so, binds it anew in a function, or hands it to somebody else."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    made = 0
    for node in ast.walk(tree):
        if not (isinstance(node, (ast.Name, ast.Attribute)) and last_name(node) == name):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
                return True
            continue
        if isinstance(node.ctx, ast.Store):
            made += 1
            if made > 1:
                return True
        elif isinstance(node.ctx, ast.Del) or not _only_reads(node, parents):
            return True
    return False


def _only_reads(node: ast.expr, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a use of a container leaves it as it is, and so does what is made of the element that it gives."""
    above = parents.get(node)
    if isinstance(above, ast.Subscript) and above.value is node:
        return isinstance(above.ctx, ast.Load) and _is_copied(above, parents)
    if isinstance(above, ast.Attribute):
        call = parents.get(above)
        return isinstance(call, ast.Call) and call.func is above and above.attr in _READS
    if isinstance(above, ast.Call):
        return node in above.args and last_name(above.func) in LOOKS_AT
    return isinstance(above, (ast.Compare, ast.BinOp, ast.Starred, ast.BoolOp, ast.If, ast.comprehension, ast.For))


def _is_copied(element: ast.Subscript, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether an element is not changed where it stands: copied, joined to something, or looked at."""
    above = parents.get(element)
    if isinstance(above, ast.Call):
        return element in above.args and last_name(above.func) in LOOKS_AT
    if isinstance(above, ast.Subscript):
        return above.value is element and isinstance(above.slice, ast.Slice) and isinstance(above.ctx, ast.Load)
    if isinstance(above, ast.Attribute):
        return above.attr == "copy"
    return isinstance(above, (ast.BinOp, ast.Starred, ast.Compare, ast.comprehension))


def _asks(node: ast.expr, name: str, *, makes_lists: bool) -> bool:
    """Whether a node asks a container for a list of something: `rooms.get(key, [])`, `rooms[key] + [...]`, `*log`."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        first, last = node.values[0], node.values[-1]
        return _is_get(first, name) and _is_empty(last)
    if isinstance(node, ast.Call) and _is_get(node, name):
        return len(node.args) > 1 and _is_list_like(node.args[1])
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and last_name(node.value) == name:
        return makes_lists and not isinstance(node.slice, ast.Constant)
    joined = (
        [node.left, node.right]
        if isinstance(node, ast.BinOp)
        else [node.value]
        if isinstance(node, ast.Starred)
        else []
    )
    return any(isinstance(each, (ast.Name, ast.Attribute)) and last_name(each) == name for each in joined)


def _is_get(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and last_name(node.func.value) == name
        and not isinstance(node.func.value, ast.Subscript)
        and bool(node.args)
        and not isinstance(node.args[0], ast.Constant)
    )


def _is_list_like(default: ast.expr) -> bool:
    """Whether a default is a list, or a dict that holds one."""
    if isinstance(default, ast.Dict):
        return any(isinstance(each, ast.List) for each in default.values) or not default.keys
    return isinstance(default, ast.List) or (isinstance(default, ast.Call) and last_name(default.func) in _EMPTY)
