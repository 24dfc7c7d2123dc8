"""Walk the code of one scope: its statements and nodes in source order, without recursion.

Nothing here knows of files; every function takes a node of `ast`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a scope, also those inside `if`, `try`, `with`, loops and `match`, in source order.

    Left out is what importing the module does not run: `if __name__ == "__main__"` and `if TYPE_CHECKING`.
    """
    stack = body[::-1]
    while stack:
        statement = stack.pop()
        yield statement
        if not isinstance(statement, _NESTED):
            stack.extend(_blocks(statement)[::-1])


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below and with `node` in source order, nested scopes included, `TYPE_CHECKING` blocks not."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack += _children(current)


def name_scopes(tree: ast.Module) -> Iterator[tuple[str, ast.Module | Function]]:
    """Yield a module under "", then each function in it by its name, also those of classes and of other functions."""
    yield "", tree
    yield from ((node.name, node) for node in walk(tree) if isinstance(node, Function))


def own_nodes(scope: Scope) -> Iterator[ast.AST]:
    """Yield the nodes that belong to this scope itself: nested functions and classes are yielded, not entered."""
    stack: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body[::-1])
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _NESTED):
            stack += _children(node)


def stored_names(scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield the names that a scope binds, with the line of each binding, in source order."""
    inner: set[ast.AST] = set()  # what a comprehension binds is its own
    for node in own_nodes(scope):
        if isinstance(node, ast.comprehension):
            inner.update(ast.walk(node.target))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in inner:
            yield node.id, node.lineno
        elif isinstance(node, _NAMED) and node.name:
            yield node.name, node.lineno


def parameters(function: Function | ast.Lambda) -> list[ast.arg]:
    """All named parameters of a function, in order."""
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def required_parameters(function: Function | ast.Lambda) -> list[str]:
    """Return the names of the parameters without a default."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    required = positional[: len(positional) - len(given.defaults)] if given.defaults else positional
    required += [arg for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None]
    return [arg.arg for arg in required]


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, `""` for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *parts[::-1]]) if isinstance(node, ast.Name) else ""


def last_name(node: ast.AST) -> str:
    """Return the last name of a callee: `FastAPI` for `fastapi.FastAPI`, for `FastAPI[x]` too, else `""`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def first_line(function: ast.AST) -> int:
    """Where a function starts as the interpreter counts it: at its first decorator."""
    decorators = getattr(function, "decorator_list", [])
    line: int = min([function.lineno, *(d.lineno for d in decorators)])  # type: ignore[attr-defined]
    return line


def _children(node: ast.AST) -> list[ast.AST]:
    """Return a node's children, last first; without `ctx`, and without what `if TYPE_CHECKING` holds."""
    if isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING":
        return list(node.orelse[::-1])
    found: list[ast.AST] = []
    for name in node._fields[::-1]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value[::-1] if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and name != "ctx":
            found.append(value)
    return found


def _blocks(statement: ast.stmt) -> list[ast.stmt]:
    """Return the statements directly inside a compound statement."""
    inside: list[ast.stmt] = []
    if not (isinstance(statement, ast.If) and _never_on_import(statement.test)):
        inside += getattr(statement, "body", [])
    for handler in getattr(statement, "handlers", []):
        inside += handler.body
    for case in getattr(statement, "cases", []):
        inside += case.body
    return inside + getattr(statement, "orelse", []) + getattr(statement, "finalbody", [])


def is_guarded(node: ast.AST) -> bool:
    """Whether a node is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and _of_script(node.test)


def _never_on_import(test: ast.expr) -> bool:
    return last_name(test) == "TYPE_CHECKING" or _of_script(test)


def _of_script(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and last_name(test.left) == "__name__"
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )
