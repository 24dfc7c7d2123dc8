"""Functions of the project that read a variable for their caller and do not do without it: `need("UPLOAD_BUCKET")`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import dotted, last_name, own_nodes, parameters, walk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.source.code.modules import Module
    from statecheck.source.code.scopes import Function

_READS = ("getenv", "environ.get")


def find_demanding(modules: Iterable[Module]) -> frozenset[str]:
    """Return the names of functions that raise, or end the program, where the variable they are asked for is unset.

    The variable's name is their first parameter.
    """
    return frozenset(
        node.name
        for module in modules
        if "environ" in module.text or "getenv" in module.text
        for node in walk(module.ast)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _demands(node)
    )


def _demands(function: Function) -> bool:
    asked = next((argument.arg for argument in parameters(function) if argument.arg not in ("self", "cls")), None)
    nodes = list(own_nodes(function))
    indexed = any(
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and last_name(node.value) == "environ"
        and last_name(node.slice) == asked
        for node in nodes
    )
    reads = any(
        isinstance(node, ast.Call)
        and dotted(node.func).endswith(_READS)
        and bool(node.args)
        and last_name(node.args[0]) == asked
        for node in nodes
    )
    refuses = any(
        isinstance(node, (ast.Raise, ast.Assert)) or (isinstance(node, ast.Call) and last_name(node.func) == "exit")
        for node in nodes
    )
    return asked is not None and (indexed or (reads and refuses))
