"""Find plain callables that look like they answer one turn of a conversation: `reply(session_id, text)`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.code.scopes import last_name, parameters, required_parameters, walk
from statecheck.source.roles import as_set, leaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statecheck.source.code.modules import Module
    from statecheck.target.evaluator import Evaluator
    from statecheck.target.values import AnyFunction, Value

_MESSAGE = re.compile(r"(.*_)?(message|msg|text|query|question|prompt|input|content|utterance|request|say|said|line)")
_SESSION = re.compile(
    r"(.*_)?(session|sid|user|uid|thread|conversation|chat|client|customer|visitor|account|tenant|member|caller|phone|"
    r"channel|room|key|who|name|id)(_?(id|key|name|number))?"
)
_NO_TURN = re.compile(
    r"_|(save|store|append|record|load|log|put|set|write|delete|remove|reset|clear|build|make|format)_?"
)
_SPEAKS = re.compile(
    r"(.*_)?(a|async_)?(reply|respond|response|chat|ask|answer|handle|handler|talk|converse|turn|say|tell|invoke|__call__)"
    r"(_.*)?"
)
_TALKING = as_set(
    "chat achat stream_chat astream_chat complete acomplete stream_complete astream_complete predict apredict run arun "
    "query aquery"
)
_CONNECTIONS = as_set("reader writer websocket ws socket sock conn connection stream servicer host port self")
_TASKS = frozenset(("task", "shared_task", "actor", "job"))
_TOOLS = frozenset(("tool",))
_TOOL_SERVERS = ("mcp", "fastmcp")
_OTHER_ROLES = frozenset(
    [
        "get",
        "post",
        "put",
        "delete",
        "patch",
        "route",
        "websocket",
        "step",
        "tool",
        "fixture",
        "command",
        "property",
        "callback",
        "on_message",
        "on_chat_start",
        "function_tool",
        "staticmethod",
        "classmethod",
        "contextmanager",
        "asynccontextmanager",
        "overload",
    ]
)


def is_message(parameter: str) -> bool:
    """Whether a parameter's name says that it takes the user's text."""
    return _MESSAGE.fullmatch(parameter.lower()) is not None


def is_session(parameter: str) -> bool:
    """Whether a parameter's name says that it names a conversation."""
    return not is_message(parameter) and _SESSION.fullmatch(_snake(parameter)) is not None


def is_connection(parameter: str) -> bool:
    """Whether a parameter's name says that it is handed a connection, or where to listen for one: no text."""
    return parameter in _CONNECTIONS


def turn_functions(module: Module, values: Evaluator, *, tasks: bool = False) -> dict[str, Value]:
    """Return the module's own callables (or its tasks) that look like a turn, by attribute path, outermost only.

    A tool is a part of an agent; of a server of tools it is what clients call.

    Those whose parameters speak; else those that talk to a model and have one parameter for each role; else those
    that talk to a model, whose name speaks, and that take one thing.
    """
    roles = _OTHER_ROLES - _TOOLS if _serves_tools(module) else _OTHER_ROLES
    able = {p: v for p, v in _candidates(module, values, _parts(module.ast), roles) if is_task(v.node) == tasks}

    def that(looks: Callable[[AnyFunction, ast.AST], bool]) -> dict[str, Value]:
        return {path: value for path, value in able.items() if looks(value.node, module.ast)}  # type: ignore[arg-type]

    found = that(_looks_like_turn) or that(_may_be_turn) or that(_takes_a_turn)
    called = {path for caller, value in found.items() for path in _called(value, found) if path != caller}
    return {path: value for path, value in found.items() if path not in called} or found


def _looks_like_turn(function: AnyFunction, _tree: ast.AST) -> bool:
    """Whether a function takes a session and a message, and little else."""
    names, required = _takes(function)
    if not 2 <= len(names) <= 5 or len(required) > 3:
        return False
    return sum(map(is_message, names)) == 1 and any(map(is_session, names))


def _may_be_turn(function: AnyFunction, tree: ast.AST) -> bool:
    """Whether a function talks to a model, itself or by what it calls, and its two parameters can be told apart."""
    _, required = _takes(function)
    if len(required) != 2:
        return False
    session, message = sorted(required, key=_leaning)
    clear = leaning(message) >= weights.GIVEN or leaning(session) <= weights.NAMED_SESSION
    return (clear or is_message(message) or is_session(session)) and _talks(function, tree)


def _leaning(name: str) -> float:
    return leaning(name) + weights.SPOKEN_PARAMETER * (is_message(name) - is_session(name))


def _takes_a_turn(function: AnyFunction, tree: ast.AST) -> bool:
    """Whether a function talks to a model, says so by its name and takes one thing: a text, or all of a request."""
    names, required = _takes(function)
    one = len(required) == 1 or (not required and len(names) == 1)
    return (
        one
        and not any(map(is_connection, names))
        and _SPEAKS.fullmatch(getattr(function, "name", "")) is not None
        and _talks(function, tree)
    )


def _takes(function: AnyFunction) -> tuple[list[str], list[str]]:
    """Return the names of all parameters, and of those without a default; without a method's own object."""
    names, required = [arg.arg for arg in parameters(function)], required_parameters(function)
    own = int(names[:1] == ["self"])
    return names[own:], required[own:]


def _talks(function: AnyFunction, tree: ast.AST) -> bool:
    own = {node.name: node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    seen: set[str] = set()
    waiting: list[ast.AST] = [function]
    while waiting:
        for node in walk(waiting.pop()):
            name = last_name(node.func) if isinstance(node, ast.Call) else ""
            if name in _TALKING and isinstance(node.func, ast.Attribute):  # type: ignore[attr-defined]
                return True
            if name in own and name not in seen:
                seen.add(name)
                waiting.append(own[name])
    return False


def _parts(tree: ast.AST) -> frozenset[str]:
    """Return the names of functions that work for an agent or a workflow: its tools, and what its steps call."""
    given: list[ast.expr] = []
    for node in walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and "step" in _decorators(node):
            given += [inner.func for inner in walk(node) if isinstance(inner, ast.Call)]
        if isinstance(node, ast.Call):
            given += [keyword.value for keyword in node.keywords if keyword.arg in ("tools", "fn", "async_fn")]
            given += node.args[:1] if last_name(node.func) in ("from_defaults", "FunctionTool", "add_tool") else []
    return frozenset(last_name(inner) for value in given for inner in walk(value))


def _serves_tools(module: Module) -> bool:
    return any(item.name.partition(".")[0] in _TOOL_SERVERS for item in module.imports)


def _candidates(
    module: Module, values: Evaluator, parts: frozenset[str], roles: frozenset[str]
) -> Iterator[tuple[str, Value]]:
    known = {name: values.name(module, name) for name in values.env(module).names}
    made = {value.node for value in known.values() if value is not None and value.kind == "instance"}
    for name, value in known.items():
        if value is None or name.startswith("_") or name in parts:
            continue
        if isinstance(value.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and value.kind == "function":
            if _may_answer(value.node, name, roles):
                yield name, value
        elif isinstance(value.node, ast.ClassDef) and (value.kind == "instance" or _is_built(value.node, made)):
            for method in value.node.body:
                if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.name not in parts:
                    inner = values.member(value, method.name) if _may_answer(method, method.name, roles) else None
                    if inner is not None:
                        yield _path(name, value, method.name), inner


def _is_built(definition: ast.ClassDef, made: set[ast.AST | None]) -> bool:
    """Whether a class has to be built by who drives it, and can be: it takes nothing, and the module has no object."""
    if definition in made or any(last_name(base) not in ("object", "ABC") for base in definition.bases):
        return False
    start = next((n for n in definition.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    if start is not None:
        return len(required_parameters(start)) == 1
    return not any(isinstance(node, ast.AnnAssign) and node.value is None for node in definition.body)


def _path(name: str, owner: Value, method: str) -> str:
    """Return the attribute path of a method; an object that is called has none."""
    path = f"{name}()" if owner.kind == "class" else name
    return f"{path}.{method}" if method != "__call__" else path


def _may_answer(function: AnyFunction, name: str, roles: frozenset[str]) -> bool:
    return (name == "__call__" or not _NO_TURN.match(name)) and not _decorators(function) & roles


def is_task(function: ast.AST | None) -> bool:
    """Whether a decorator makes a function the task of a queue."""
    return bool(_decorators(function) & _TASKS)


def _decorators(function: ast.AST | None) -> set[str]:
    marks = getattr(function, "decorator_list", [])
    return {last_name(mark.func if isinstance(mark, ast.Call) else mark) for mark in marks}


def _called(value: Value, paths: Iterable[str]) -> Iterator[str]:
    """Yield those of the attribute paths that a callable's own code calls: functions by name, methods on anything."""
    for node in walk(value.node) if value.node is not None else ():
        if isinstance(node, ast.Call):
            name, method = last_name(node.func), isinstance(node.func, ast.Attribute)
            yield from (path for path in paths if path.rpartition(".")[2] == name and ("." in path) == method)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
