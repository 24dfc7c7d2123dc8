"""What an adapter is offered, and what it gives back."""

from __future__ import annotations

import contextlib
import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..frameworks import FRAMEWORKS
from ..recorder import RECORDER

if TYPE_CHECKING:
    import socket

    from ..channel import Channel, Message


_MOST_WRAPPED = 200
_APPS = frozenset((package, name) for one in FRAMEWORKS for package in one.packages for name in one.app_classes)


class NoApp(LookupError):
    """Nothing in the module can be driven."""


class ServedNothing(NoApp):
    """What starts the app came to its end without a server."""


class Loaded(Protocol):
    """A target in this process, ready to be served.

    Attributes:
        facts: what it tells of itself.
    """

    facts: dict[str, Any]

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve until killed; tells the lab `ready` with the facts of the app.

        The facts are JSON: `framework`, `object`, `routes` (`path`, `methods`, `name`, `file`, `line` each; where it
        reaches a workflow, `event`: its step's parameter; where several share a path, `document`: under which the
        document has its request), and where there are any `openapi` (in which a workflow tells what its `run` takes),
        `parameters` (of a callable), `told` (fields of `statecheck.talk.plan.a_call`, for an adapter that knows how it
        is called), `headers` and `cookies` (pairs that every client has to send), `undriven` (what else it takes).
        """

    def call(self, message: Message, channel: Channel) -> None:
        """Take one turn that is not a request: `call` is its token, `args` and `kwargs` its arguments."""


@dataclass(frozen=True)
class Offer:
    """An object of the target's module, and what its source says it is (`framework`, or "" if it does not tell).

    Of a Streamlit script `thing` is the path, of a Chainlit app its module. `threads` is how many a worker has where it
    is deployed, or 0 if that is not said.
    """

    thing: Any
    name: str
    framework: str
    threads: int = 0

    def made_by(self, module: str, *classes: str) -> bool:
        """Whether the object is an instance of one of these classes, if their module has been imported at all."""
        loaded = sys.modules.get(module)
        kinds = tuple(getattr(loaded, name) for name in classes if hasattr(loaded, name))
        return bool(kinds) and isinstance(self.thing, kinds)


def is_app(thing: Any) -> bool:
    """Whether this is an instance of a web framework's app class."""
    if issubclass(type(thing), type):  # not `isinstance`, which asks a proxy for what it stands for
        return False
    return hasattr(type(thing), "routes") or any(
        (cls.__module__.partition(".")[0], cls.__name__) in _APPS for cls in type(thing).__mro__
    )


def find_in(thing: Any, module: str, *classes: str) -> Any:
    """An instance of one of these classes: the thing itself, or what it wraps as middleware does; else None.

    Looked for only where their module has been imported.
    """
    loaded = sys.modules.get(module)
    kinds = tuple(getattr(loaded, name) for name in classes if hasattr(loaded, name))
    level, seen = [thing], {id(thing)}
    while kinds and level and len(seen) < _MOST_WRAPPED:
        for each in level:
            if isinstance(each, kinds):
                return each
        inner = [held for each in level for held in _list_held(each) if id(held) not in seen]
        seen.update(map(id, inner))
        level = inner
    return None


def _list_held(thing: Any) -> list[Any]:
    """What an object or a closure holds that could be an app: what can be called, and is no class."""
    cells = getattr(thing, "__closure__", None) or ()
    values = [*getattr(thing, "__dict__", {}).values(), *(cell.cell_contents for cell in cells)]
    return [value for value in values if callable(value) and not isinstance(value, type)]


def location(function: Any) -> tuple[str, int]:
    """(file, first line) of a function under its decorators, or ("", 0). A file of the user's is relative."""
    with contextlib.suppress(TypeError, ValueError):
        function = inspect.unwrap(function)
    while hasattr(function, "func"):
        function = function.func
    if not hasattr(function, "__code__"):
        function = vars(type(function)).get("__call__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return "", 0
    return RECORDER.relative(code.co_filename) or code.co_filename, code.co_firstlineno


def function_name(function: Any) -> str:
    """A function's name, or that of the class of an object that can be called."""
    return str(getattr(function, "__name__", type(function).__name__))


def route(path: str, methods: list[str], name: str, endpoint: Any) -> dict[str, Any]:
    """One entry of the facts' `routes`."""
    file, line = location(endpoint)
    return {"path": path, "methods": methods, "name": name, "file": file, "line": line}
