"""What the user's code uses of a Context's values where it asks for all of them at once, read off its source.

`edit_state` and `get_state` hand out everything. A block that only sets `state.language` has not read what was there,
and one that appends to `state["history"]` has nothing to do with the query that another step has set.
"""

from __future__ import annotations

import ast
import functools
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .ops import Frames

_ASKS = ("get", "pop", "setdefault", "__getitem__", "__contains__")  # with a name first, and what is said is its value


class Used(NamedTuple):
    """Names of values, each once: those read before they are set, and those set; both may have what is changed."""

    read: tuple[str, ...]
    set: tuple[str, ...]


def find_usage(frames: Frames) -> Used | None:
    """What the innermost of these lines does with the values that it is handed; None where that cannot be read."""
    if not frames:
        return None
    path, line, _ = frames[0]
    files = (os.path.join(root, path) for root in RECORDER.roots)
    return next((_read_usage(file, line) for file in files if os.path.isfile(file)), None)


def value_of(state: Any, name: str) -> Any:
    """The value of this name, or None: of a mapping, or of the model that the workflow declares."""
    return state.get(name) if hasattr(type(state), "__getitem__") else getattr(state, name, None)


@functools.cache
def _read_usage(file: str, line: int) -> Used | None:
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return None
    for scope in ast.walk(tree):
        if isinstance(scope, (ast.AsyncFunctionDef, ast.FunctionDef)):
            for node in ast.walk(scope):
                found = _find_block(node, scope, line)
                if found is not None:
                    return _collect_usage(*found)
    return None


def _find_block(node: ast.AST, scope: ast.AST, line: int) -> tuple[str, Sequence[ast.AST]] | None:
    """The name that all values get on this line, and the code that may use it."""
    if isinstance(node, ast.AsyncWith):
        for item in node.items:
            if isinstance(item.optional_vars, ast.Name) and _covers(item.context_expr, line):
                return item.optional_vars.id, node.body
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Await) and _covers(node.value, line):
        (target, *others) = node.targets
        if isinstance(target, ast.Name) and not others:
            rest = [each for each in ast.walk(scope) if isinstance(each, ast.stmt) and each.lineno > line]
            nested = {part for each in rest for part in ast.walk(each) if part is not each}
            return target.id, [each for each in rest if each not in nested]
    return None


def _covers(node: ast.expr, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _collect_usage(name: str, code: Sequence[ast.AST]) -> Used | None:
    """Each use of a name in this code; None where one of them is not of a value that the code names."""
    read: dict[str, None] = {}
    written: dict[str, None] = {}
    for part in code:
        for one, stored in _values(name, part):
            if one is None:
                return None
            if stored:
                written[one] = None
            elif one not in written:
                read[one] = None
    return Used(tuple(read), tuple(dict.fromkeys((*written, *read))))


def _values(name: str, node: ast.AST) -> Iterator[tuple[str | None, bool]]:
    """(value's name or None, whether it is set) for each use of the name, in the order in which they happen."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for part in (*([node.value] if node.value else ()), *targets):
            yield from _values(name, part)
        return
    if isinstance(node, ast.AugAssign):
        one = _find_name(name, node.target)
        if one is not None:
            yield one, False
        yield from _values(name, node.value)
        yield from _values(name, node.target)
        return
    one = _find_name(name, node)
    if one is not None:
        yield one, isinstance(getattr(node, "ctx", None), ast.Store)
        children: Iterator[ast.AST] = iter(node.args[1:] if isinstance(node, ast.Call) else ())
    elif (isinstance(node, ast.Name) and node.id == name) or _is_method(name, node):
        yield None, False
        return
    else:
        children = ast.iter_child_nodes(node)
    for child in children:
        yield from _values(name, child)


def _find_name(name: str, node: ast.AST) -> str | None:
    """The value that `state.x`, `state["x"]`, `state.get("x")` or `"x" in state` is about."""
    if isinstance(node, ast.Subscript) and _is(node.value, name):
        return _text(node.slice)
    if (
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], (ast.In, ast.NotIn))
        and _is(node.comparators[0], name)
    ):
        return _text(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is(node.func.value, name):
        return _text(node.args[0]) if node.args and node.func.attr in _ASKS else None
    return node.attr if isinstance(node, ast.Attribute) and _is(node.value, name) else None


def _is_method(name: str, node: ast.AST) -> bool:
    """Whether this is a call of a method that may use any value: `state.items()`, `state.update(...)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is(node.func.value, name)


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
