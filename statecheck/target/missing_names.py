"""Which names a module, or an instance that it holds, has for sure, to say when a user's attribute cannot exist."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import dotted, own_nodes, stored_names, walk

if TYPE_CHECKING:
    from statecheck.source.code.modules import Module
    from statecheck.source.code.resolver import Resolver
    from statecheck.target.evaluator import Evaluator

_DYNAMIC = frozenset(("globals", "vars", "locals", "exec", "eval", "setattr", "__getattr__", "__import__"))


def missing_name(module: Module, values: Evaluator, path: str) -> tuple[str, frozenset[str]] | None:
    """Return the part of an attribute path that cannot exist, with the names that do; None if it may exist.

    Args:
        module: where the path starts.
        values: evaluates the module's tree.
        path: `app`, `bot.reply`, `create_app()`.
    """
    head, _, tail = path.partition(".")
    head = head.removesuffix("()")
    known = global_names(module, values.resolver)
    if known is not None and head not in known:
        return head, known
    owner = values.name(module, head) if tail else None
    members = _members(owner.node) if owner is not None and owner.kind == "instance" else None
    first = tail.partition(".")[0].removesuffix("()")
    if members is not None and first not in members:
        return path, frozenset(f"{head}.{member}" for member in members)
    return None


def global_names(module: Module, resolver: Resolver) -> frozenset[str] | None:
    """Return the globals that importing a module can give it, or None if code that cannot be read may add others."""
    return _globals(module, resolver, set())


def _globals(module: Module, resolver: Resolver, seen: set[str]) -> frozenset[str] | None:
    if module.name in seen:
        return frozenset()
    seen.add(module.name)
    names = {name for name, _ in stored_names(module.ast)}
    for node in walk(module.ast):
        if isinstance(node, ast.Name) and node.id in _DYNAMIC:
            return None
        if isinstance(node, ast.Global):
            names.update(node.names)
    if "__getattr__" in names:
        return None
    for item in module.imports:
        names.add(item.bound)
        if item.is_star:
            source = resolver.module(module, item.name)
            inner = _globals(source, resolver, seen) if source else None
            if inner is None:
                return None
            names |= inner
    return frozenset(names)


def _members(node: ast.AST | None) -> frozenset[str] | None:
    """Return the attributes of an instance of a plain class; None if bases, decorators or code may add others."""
    if not isinstance(node, ast.ClassDef) or node.bases or node.keywords or node.decorator_list:
        return None
    names = {name for name, _ in stored_names(node)}
    if "__getattr__" in names or "__getattribute__" in names:
        return None
    for method in own_nodes(node):
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for part in own_nodes(method):
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and dotted(part):
                    names.add(part.attr)
                elif isinstance(part, ast.Name) and part.id in ("setattr", "vars"):
                    return None
    return frozenset(names)
