"""Where a name is defined in the user's code, for anchors. All lines are those of the binding itself."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.resolver import Resolver
from statecheck.source.code.scopes import Function, Scope, dotted, first_line, own_nodes, parameters, stored_names, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def module_name(module: Module, name: str, tree: SourceTree | None = None) -> Anchor | None:
    """Where a module-level global gets its value.

    The first binding with a value other than None wins, then a bare annotation or None, then an
    assignment through `global` in a function.

    Args:
        module: the module in whose namespace the name was seen.
        name: the global.
        tree: if given, a name that was imported is followed to the file that defines it.
    """
    lines = [line for bound, line in stored_names(module.ast) if bound == name]
    hollow = _hollow_lines(module.ast, name)
    lines = [line for line in lines if line not in hollow] or lines or list(_global_lines(module, name))
    if lines:
        return Anchor(module.shown, lines[0])
    return _imported(module, name, Resolver(tree)) if tree is not None else None


def closure_name(module: Module, function_line: int, name: str) -> Anchor | None:
    """Where a variable that the function starting at that line closes over is bound, or None.

    Args:
        module: the function's file.
        function_line: `co_firstlineno` of the inner function (its first decorator counts).
        name: the free variable.
    """
    for scope in _enclosing(module, function_line)[::-1]:
        if isinstance(scope, ast.ClassDef):
            continue
        lines = [line for bound, line in stored_names(scope) if bound == name]
        hollow = _hollow_lines(scope, name)
        lines = [line for line in lines if line not in hollow] or lines
        if not isinstance(scope, ast.Module):
            lines += [arg.lineno for arg in parameters(scope) if arg.arg == name]
        if lines:
            return Anchor(module.shown, lines[0])
    return None


def lasting_name(module: Module, function_line: int, name: str) -> Anchor | None:
    """Where a variable of the function that starts at that line is bound before any loop; None if only in one.

    What is bound in a loop is anew for each message that a connection brings, what is bound before it lasts as long.

    Args:
        module: the function's file.
        function_line: its `co_firstlineno` (its first decorator counts).
        name: the variable.
    """
    for node in walk(module.ast):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and function_line in (
            first_line(node),
            node.lineno,
        ):
            looped = {inner for loop in own_nodes(node) if isinstance(loop, _LOOPS) for inner in walk(loop)}
            bound = {n for n in own_nodes(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            lines = [n.lineno for n in bound - looped if n.id == name]
            return Anchor(module.shown, min(lines)) if lines else None
    return None


def attribute(tree: SourceTree, name: str) -> Anchor | None:
    """Where an attribute gets its value: in `__init__`, else in a class body, else in any assignment.

    Args:
        tree: its modules are searched, the target's file first.
        name: `sessions`, or with as much of what it hangs on as is known: `state.sessions`, `self.memory`.
    """
    found = [(rank, anchor) for module in tree.modules() for rank, anchor in _attribute_bindings(module, name)]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def entry(tree: SourceTree, key: str) -> Anchor | None:
    """Where a text key of a mapping gets its value, or None: `config["bots"] = …`, or what is given under that name.

    Args:
        tree: its modules are searched, the target's file first.
        key: `bots`; also as a keyword (`from_mapping(bots=…)`), in a literal, or given to `setdefault`.
    """
    for module in tree.modules():
        if key in module.text:
            lines = [line for node in walk(module.ast) for line in _entered(node, key)]
            if lines:
                return Anchor(module.shown, min(lines))
    return None


def _entered(node: ast.AST, key: str) -> Iterator[int]:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and _is_text(node.slice, key):
        yield node.lineno
    elif isinstance(node, ast.Call):
        yield from (keyword.value.lineno for keyword in node.keywords if keyword.arg == key)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault" and len(node.args) == 2:
            yield from [node.lineno] * _is_text(node.args[0], key)
    elif isinstance(node, ast.Dict):
        yield from (k.lineno for k in node.keys if k is not None and _is_text(k, key))


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def class_attribute(tree: SourceTree, class_name: str, name: str) -> Anchor | None:
    """Where a class of the user's tree, or one of its bases, sets an attribute of itself or its instances.

    Args:
        tree: its modules are searched.
        class_name: the class's own name, without its module.
        name: the attribute; a method's definition counts too.
    """
    classes: dict[str, tuple[Module, ast.ClassDef]] = {}
    for module in tree.modules():
        for node in walk(module.ast):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, (module, node))
    queue, seen = [class_name], set[str]()
    for current in queue:
        if current in seen or current not in classes:
            continue
        seen.add(current)
        module, node = classes[current]
        found = list(_class_bindings(node, name))
        if found:
            return Anchor(module.shown, min(found)[1])
        queue += [dotted(base).rpartition(".")[2] for base in node.bases]
    return None


def enclosing_function(module: Module, line: int) -> Function | None:
    """Return the innermost function (not lambda) whose definition, decorators included, holds the line."""
    holding = [
        node
        for node in walk(module.ast)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and first_line(node) <= line <= (node.end_lineno or node.lineno)
    ]
    return max(holding, key=first_line, default=None)


def _hollow_lines(scope: Scope, name: str) -> set[int]:
    """Lines where a scope only announces a name: `name: T`, `name = None`."""
    hollow = set()
    for node in own_nodes(scope):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_nothing(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            hollow |= {target.lineno for target in targets if isinstance(target, ast.Name) and target.id == name}
    return hollow


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _global_lines(module: Module, name: str) -> Iterator[int]:
    """Lines in functions that bind a name which they declare global."""
    for scope in walk(module.ast):
        if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
            isinstance(node, ast.Global) and name in node.names for node in own_nodes(scope)
        ):
            yield from (line for bound, line in stored_names(scope) if bound == name)


def _imported(module: Module, name: str, resolver: Resolver) -> Anchor | None:
    """Follow `from other import name`, star imports too, through at most a few files."""
    seen = {module.path}
    queue = [(module, name)]
    for current, wanted in queue:
        for source, original in resolver.imported(current, wanted):
            if original and source.path not in seen:
                seen.add(source.path)
                anchor = module_name(source, original)
                if anchor is not None:
                    return anchor
                queue.append((source, original))
    return None


def _enclosing(module: Module, function_line: int) -> list[Scope]:
    """Return the scopes around the function that starts at the line, outermost first."""
    stack: list[tuple[ast.AST, tuple[Scope, ...]]] = [(module.ast, (module.ast,))]
    best: tuple[Scope, ...] = ()
    while stack:
        node, around = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _FUNCTIONS) and function_line in (first_line(child), child.lineno):
                best = max(best, around, key=len)
            inner = (*around, child) if isinstance(child, (*_FUNCTIONS, ast.ClassDef)) else around
            stack.append((child, inner))
    return [scope for scope in best if not isinstance(scope, ast.Module)]


def _attribute_bindings(module: Module, name: str) -> Iterator[tuple[int, Anchor]]:
    bare = "." not in name.removeprefix("self.")
    for node in walk(module.ast):
        if isinstance(node, ast.ClassDef) and bare:
            for rank, line in _class_bindings(node, name.removeprefix("self.")):
                yield rank, Anchor(module.shown, line)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if f".{_chain(node)}".endswith(f".{name}"):
                yield 4, Anchor(module.shown, node.lineno)
        elif isinstance(node, ast.Call) and dotted(node.func) == "setattr" and len(node.args) == 3:
            given = node.args[1]
            if isinstance(given, ast.Constant) and given.value == name.rpartition(".")[2]:
                yield 5, Anchor(module.shown, node.lineno)


def _class_bindings(node: ast.ClassDef, name: str) -> Iterator[tuple[int, int]]:
    """(rank, line) of each place where a class sets an attribute: `__init__`, body, methods; hollow ones last."""
    hollow = _hollow_lines(node, name)
    for bound, line in stored_names(node):
        if bound == name:
            yield (3 if line in hollow else 1), line
    for method in node.body:
        if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) or not method.args.args:
            continue
        me = method.args.args[0].arg
        for assignment in own_nodes(method):
            if isinstance(assignment, (ast.Assign, ast.AnnAssign)):
                targets = assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]
                for target in (part for whole in targets for part in ast.walk(whole)):
                    if isinstance(target, ast.Attribute) and dotted(target) == f"{me}.{name}":
                        rank = 0 if method.name in ("__init__", "__post_init__") else 2
                        yield (3 if _is_nothing(assignment.value) else rank), target.lineno


def _chain(node: ast.Attribute) -> str:
    """Return the dotted tail of a target, also where it hangs on a call or a subscript: `request.app.state.x`."""
    parts = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name):
        parts.append(value.id)
    return ".".join(parts[::-1])
