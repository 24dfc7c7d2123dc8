"""What a module is that has no app: the server that its own code opens, or a program that talks at its terminal."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import CONSOLE, FRAMEWORKS
from statecheck.source.code.scopes import dotted, last_name, walk
from statecheck.target.evaluator import imports_top

if TYPE_CHECKING:
    from statecheck.source.code.modules import Module


def find_undriven(module: Module) -> tuple[str, int] | None:
    """Return the framework that a module without an app is of, and a line; None where nothing is known of it."""
    called = {last_name(call.func) for call in module.calls}
    called |= {last_name(base) for node in walk(module.ast) if isinstance(node, ast.ClassDef) for base in node.bases}
    for framework in FRAMEWORKS:
        opens = (spelled.split(":") for spelled in framework.opened_by)
        if any(name in called and imports_top(module, package) for package, name in opens):
            return framework.name, 0
    for loop in walk(module.ast):
        if isinstance(loop, (ast.While, ast.For)):
            asks = (last_name(node.func) == "input" for node in walk(loop) if isinstance(node, ast.Call))
            if any(asks) or dotted(getattr(loop, "iter", loop)) == "sys.stdin":
                return CONSOLE.name, loop.lineno
    return None
