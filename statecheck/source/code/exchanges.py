"""What the user's functions assign to that all requests share: names of a module, attributes of what those stand for.

Two requests at once exchange such a thing under each other's feet: what one assigned the other reads.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import Function, dotted, last_name, own_nodes, parameters, stored_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

_BUILDS = (
    "__init__",
    "__new__",
    "__post_init__",
    "__set_name__",
    "__enter__",
    "__aenter__",
    "setup",
    "model_post_init",
)
_MOST_READS = 8


@dataclass(frozen=True, slots=True)
class Exchange:
    """One thing that a function assigns and that outlives its call.

    Attributes:
        name: in the words of the code: `engine._memory`, `current_user`, `state['user']`.
        function: the function that assigns it.
        written: where that is.
        read: where functions read it; where none does, where they use the object that it is an attribute of.
    """

    name: str
    function: str
    written: Anchor
    read: tuple[Anchor, ...]


def find_exchanges(tree: SourceTree) -> tuple[Exchange, ...]:
    """Return what functions of the user's assign, what is certainly shared first.

    A name of a module or of an enclosing function comes first, then attributes of `self` and of parameters, of which
    the caller alone knows whose they are.
    """
    found = [(rank, exchange) for module in tree.modules() for rank, exchange in _in_module(module, tree)]
    return tuple(exchange for _, exchange in sorted(found, key=lambda pair: pair[0]))


def _in_module(module: Module, tree: SourceTree) -> Iterator[tuple[int, Exchange]]:
    for function, method in _functions(module.ast):
        if method and function.name in _BUILDS:
            continue
        own = {arg.arg for arg in parameters(function)}
        bound = {name for name, _ in stored_names(function)}
        given = {name for node in own_nodes(function) for name in _declared(node)}
        for target in _targets(function):
            named = _name(target, own, (bound | own) - given, method=method)
            if named is not None:
                rank, name = named
                written = Anchor(module.shown, target.lineno, "written")
                yield rank, Exchange(name, function.name, written, _reads(tree, name, written))


def _functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Yield every function, and whether it is a class's own."""
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, in_class = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield child, in_class
                stack.append((child, False))
            else:
                stack.append((child, isinstance(child, ast.ClassDef) or (in_class and not isinstance(child, ast.expr))))


def _declared(node: ast.AST) -> tuple[str, ...]:
    return tuple(node.names) if isinstance(node, (ast.Global, ast.Nonlocal)) else ()


def _targets(function: Function) -> Iterator[ast.expr]:
    """Yield what a function assigns something to that is no constant, in its own lines; and `variable.set(…)`."""
    for node in own_nodes(function):
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
            for target in node.targets:
                yield from target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield node.target
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set":
            yield node.func.value


def _name(target: ast.expr, parameters: set[str], local: set[str], *, method: bool) -> tuple[int, str] | None:
    """Return how surely a target is shared (the less, the surer) and what it is called; None where it is not."""
    if isinstance(target, ast.Subscript):
        if not (isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)):
            return None  # by a session's key, as it should be
        name, suffix = dotted(target.value), f"[{target.slice.value!r}]"
    else:
        name, suffix = dotted(target), ""
    root, _, attribute = name.partition(".")
    if not root or (not attribute and not suffix and root in local):
        return None
    if root not in local:
        return 0, name + suffix
    if root not in parameters or not attribute:
        return None  # made in this very call
    if ".app." in f".{attribute}.":
        return 0, name + suffix
    return (1 if method and root in ("self", "cls") else 2), name + suffix


def _reads(tree: SourceTree, name: str, written: Anchor) -> tuple[Anchor, ...]:
    root, _, attribute = name.partition("[")[0].rpartition(".")
    owner = root.rpartition(".")[2]
    for wanted in (attribute, owner if owner not in ("self", "cls") else ""):
        found = [
            Anchor(module.shown, node.lineno, "read")
            for module in tree.modules()
            if wanted and wanted in module.text
            for function, _ in _functions(module.ast)
            for node in own_nodes(function)
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
            if last_name(node) == wanted
        ]
        found = [each for each in dict.fromkeys(found) if (each.path, each.line) != (written.path, written.line)]
        if found:
            return tuple(found[:_MOST_READS])
    return ()
