"""What the user's functions assign to that all requests share: names of a module, attributes of what those stand for.

Two requests at once exchange such a thing under each other's feet: what one assigned the other reads.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.source.code.scopes import Function, Scope, dotted, last_name, own_nodes, parameters, stored_names

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
_OF_A_TAB = frozenset(package for framework in FRAMEWORKS if framework.tab_state for package in framework.packages)
_RERUN = frozenset(package for framework in FRAMEWORKS if framework.reruns for package in framework.packages)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One thing that a function assigns and that outlives its call.

    Attributes:
        name: in the words of the code: `engine._memory`, `current_user`, `state['user']`.
        function: the function that assigns it; `<module>`, as on a stack, where a script is run for each turn.
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
    the caller alone knows whose they are, then those of what another function of the user's gave.
    """
    named = {function.name for module in tree.modules() for function, _ in _functions(module.ast)}
    found = [(rank, exchange) for module in tree.modules() for rank, exchange in _in_module(module, tree, named)]
    return tuple(exchange for _, exchange in sorted(found, key=lambda pair: pair[0]))


def _in_module(module: Module, tree: SourceTree, named: set[str]) -> Iterator[tuple[int, Exchange]]:
    of_a_tab = {name for name, package in _packages(module).items() if package in _OF_A_TAB}
    for scope, method in _scopes(module):
        name = scope.name if isinstance(scope, Function) else "<module>"
        if method and name in _BUILDS:
            continue
        own = {arg.arg for arg in parameters(scope)} if isinstance(scope, Function) else set()
        bound = {name for name, _ in stored_names(scope)}
        given = {name for node in own_nodes(scope) for name in _declared(node)}
        owners = _Owners(own, (bound | own) - given, _fetched(scope, named), method=method)
        for target in _targets(scope):
            found = _name(target, owners)
            if found is not None and found[1].partition(".")[0] not in of_a_tab:
                rank, shared = found
                written = Anchor(module.shown, target.lineno, "written")
                yield rank, Exchange(shared, name, written, _reads(tree, shared, written))


@dataclass(frozen=True, slots=True)
class _Owners:
    """What the names in a scope stand for.

    Attributes:
        parameters: those of its parameters.
        local: all that it binds itself.
        fetched: those that it has from a function of the user's, which may give the same to all.
        method: whether it is a class's own function.
    """

    parameters: set[str]
    local: set[str]
    fetched: set[str]
    method: bool


def _packages(module: Module) -> dict[str, str]:
    """Return the packages that names of a module were imported from."""
    return {each.bound: each.name.partition(".")[0] for each in module.imports}


def _scopes(module: Module) -> Iterator[tuple[Function | ast.Module, bool]]:
    """Yield what may be run for a turn, and whether it is a class's own function: a script may be run from its top."""
    if not _RERUN.isdisjoint(_packages(module).values()):
        yield module.ast, False
    yield from _functions(module.ast)


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


def _fetched(scope: Scope, named: set[str]) -> set[str]:
    """Return the names that a scope binds to what a function of the user's returns."""
    return {
        target.id
        for node in own_nodes(scope)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and last_name(node.value.func) in named
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _declared(node: ast.AST) -> tuple[str, ...]:
    return tuple(node.names) if isinstance(node, (ast.Global, ast.Nonlocal)) else ()


def _targets(scope: Scope) -> Iterator[ast.expr]:
    """Yield what a scope assigns something to that is no constant, in its own lines; and `variable.set(…)`."""
    for node in own_nodes(scope):
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
            for target in node.targets:
                yield from target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield node.target
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set":
            yield node.func.value


def _name(target: ast.expr, owners: _Owners) -> tuple[int, str] | None:
    """Return how surely a target is shared (the less, the surer) and what it is called; None where it is not."""
    if isinstance(target, ast.Subscript):
        if not (isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)):
            return None  # by a session's key, as it should be
        name, suffix = dotted(target.value), f"[{target.slice.value!r}]"
    else:
        name, suffix = dotted(target), ""
    root, _, attribute = name.partition(".")
    if not root or (not attribute and not suffix and root in owners.local):
        return None
    if root not in owners.local:
        return 0, name + suffix
    if root in owners.fetched and attribute:
        return 3, name + suffix
    if root not in owners.parameters or not attribute:
        return None  # made in this very call
    if ".app." in f".{attribute}.":
        return 0, name + suffix
    return (1 if owners.method and root in ("self", "cls") else 2), name + suffix


def _reads(tree: SourceTree, name: str, written: Anchor) -> tuple[Anchor, ...]:
    root, _, attribute = name.partition("[")[0].rpartition(".")
    owner = root.rpartition(".")[2]
    for wanted in (attribute, owner if owner not in ("self", "cls") else ""):
        found = [
            Anchor(module.shown, node.lineno, "read")
            for module in tree.modules()
            if wanted and wanted in module.text
            for scope, _ in _scopes(module)
            for node in own_nodes(scope)
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
            if last_name(node) == wanted
        ]
        found = [each for each in dict.fromkeys(found) if (each.path, each.line) != (written.path, written.line)]
        if found:
            return tuple(found[:_MOST_READS])
    return ()
