"""Tables of functions by which a handler dispatches: a part of the request names the function that is called."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.resolver import FUNCTIONS, Definition
from statecheck.source.code.scopes import last_name
from statecheck.source.handlers.models import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statecheck.source.code.scopes import Function
    from statecheck.source.handlers.site import Site

_MOST = 24


def choose_function(
    site: Site, table: ast.expr, weigh: Callable[[Definition], float]
) -> tuple[list[str], Definition] | None:
    """Return the names in a table of the project's functions, the likeliest first, and the function of that name.

    Args:
        site: where the table is looked at.
        table: the expression that stands for it: a dict of functions, or one that a decorator fills.
        weigh: how likely a function takes the turns of a conversation.
    """
    found = dict(_entries(site, table))
    if not found:
        return None
    names = sorted(list(found)[:_MOST], key=lambda name: -weigh(found[name]))
    return names, found[names[0]]


def _entries(site: Site, table: ast.expr) -> Iterator[tuple[str, Definition]]:
    """Yield a table's functions by the names that clients send."""
    bound = site.resolve(table)
    node, file = (bound.node, bound.file) if bound is not None else (table, site.file)
    if not isinstance(node, ast.Dict):
        return
    for key, value in zip(node.keys, node.values, strict=True):
        name = constant(key) if key is not None else None
        meant = site.code.resolve(file, value) if isinstance(value, (ast.Name, ast.Attribute)) else None
        if isinstance(name, str) and meant is not None and isinstance(meant.node, FUNCTIONS):
            yield name, meant
    if not node.keys and isinstance(table, (ast.Name, ast.Attribute)):
        yield from _registered(site, last_name(table))


def _registered(site: Site, table: str) -> Iterator[tuple[str, Definition]]:
    """Yield the functions that are put into a table by a decorator of the project's: `@method("chat.send")`."""
    for module in site.code.source.modules():
        for node in (each for each in ast.walk(module.ast) if isinstance(each, FUNCTIONS)):
            for mark in node.decorator_list:
                called = mark.func if isinstance(mark, ast.Call) else mark
                fills = site.code.resolve(module.path, called)
                if fills is None or not _fills(fills.node, table):
                    continue
                named = constant(mark.args[0]) if isinstance(mark, ast.Call) and mark.args else None
                yield (named if isinstance(named, str) else node.name), Definition(module.path, node)


def _fills(node: ast.AST, table: str) -> bool:
    """Whether a decorator puts the function that it is given into a table of this name, and gives it back."""
    inside = [each for each in ast.walk(node) if isinstance(each, FUNCTIONS)]
    return any(_puts(each, table) & {argument.arg for argument in each.args.args} & _returns(each) for each in inside)


def _puts(function: Function, table: str) -> set[str]:
    """Return the names that a function assigns to entries of a table."""
    return {
        node.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        if any(isinstance(each, ast.Subscript) and last_name(each.value) == table for each in node.targets)
    }


def _returns(function: Function) -> set[str]:
    returned = (node.value for node in ast.walk(function) if isinstance(node, ast.Return))
    return {value.id for value in returned if isinstance(value, ast.Name)}
