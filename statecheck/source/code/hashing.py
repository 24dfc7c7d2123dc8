"""Whether the user's code calls `hash()`: of a text, it differs in every interpreter, and not in a fork of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import walk

if TYPE_CHECKING:
    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree


def hashes(tree: SourceTree) -> bool:
    """Return whether a module of the tree calls `hash(...)` itself, and not to be hashed."""
    return any(_calls(module) for module in tree.modules() if "hash(" in module.text)


def _calls(module: Module) -> bool:
    own = {inner for node in walk(module.ast) if _is_dunder(node) for inner in ast.walk(node)}
    calls = [node for node in walk(module.ast) if isinstance(node, ast.Call) and node not in own]
    return any(isinstance(call.func, ast.Name) and call.func.id == "hash" for call in calls)


def _is_dunder(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__hash__"
