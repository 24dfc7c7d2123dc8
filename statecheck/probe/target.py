"""Loads the target and finds what in it can be driven: an ASGI app, or a plain callable."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import sys
from typing import TYPE_CHECKING, Any, Protocol

from .recorder import RECORDER

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from types import ModuleType

    from .channel import Channel, Message


_NOT_DRIVEN = {
    "flask": "a Flask app",
    "django": "a Django app under WSGI",
    "wsgi": "a WSGI app",
    "workflow": "a workflow",
    "streamlit": "a Streamlit page",
    "chainlit": "a Chainlit app",
    "gradio": "a Gradio app",
}


class Loaded(Protocol):
    """A target in this process, ready to be served."""

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve until killed; tells the lab `ready` with the facts of the app."""

    def call(self, message: Message, channel: Channel) -> None:
        """Take one turn that is not a request."""


class NoApp(LookupError):
    """Nothing in the module can be driven."""


def load(message: Message) -> Loaded:
    """Import the target's module and take the object that was named, or the one that looks like an app.

    Raises:
        NoApp: nothing can be driven.
        BaseException: whatever the app's import raises.
    """
    with _no_server():
        module = _import(message["module"], message["path_file"])
    name = message["object"] or _find(module)
    thing = _resolve(module, name)
    from .asgi import AsgiTarget
    from .callables import CallableTarget

    if message["framework"] != "callable" and is_asgi(thing):
        return AsgiTarget(thing, name)
    if message["framework"] in _NOT_DRIVEN:
        raise NoApp(f"`{name}` is {_NOT_DRIVEN[message['framework']]}, which cannot be driven yet")
    if callable(thing) and not isinstance(thing, type):
        return CallableTarget(thing, name)
    raise NoApp(f"`{name}` is a {type(thing).__name__}, which cannot be driven")


@contextlib.contextmanager
def _no_server() -> Iterator[None]:
    """Let `uvicorn.run(app)` at the end of a module, unguarded, return at once: this worker serves the app."""
    uvicorn = sys.modules.get("uvicorn")
    if uvicorn is None:
        yield
        return
    kept = [(place, name, getattr(place, name)) for place, name in ((uvicorn, "run"), (uvicorn.Server, "run"))]
    for place, name, _ in kept:
        setattr(place, name, lambda *_args, **_kwargs: None)
    try:
        yield
    finally:
        for place, name, function in kept:
            setattr(place, name, function)


def _import(name: str, path: str) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        module = _from_path(name, path)
    if str(getattr(module, "__file__", "")) not in ("", path) and "." not in name:
        # a module of that name was imported already by a library: take the user's file all the same
        import os

        if os.path.realpath(str(module.__file__)) != os.path.realpath(path):
            return _from_path(name, path)
    return module


def _from_path(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _find(module: ModuleType) -> str:
    apps = [name for name, value in vars(module).items() if not isinstance(value, type) and _looks_like_app(value)]
    preferred = [name for name in ("app", "application", "server", "api") if name in apps]
    if preferred or len(apps) == 1:
        return (preferred or apps)[0]
    raise NoApp("several apps: " + ", ".join(apps) if apps else "no app object")


def _looks_like_app(value: Any) -> bool:
    return hasattr(value, "routes") and callable(value) and is_asgi(value)


def _resolve(module: ModuleType, name: str) -> Any:
    called = name.endswith("()")
    thing: Any = module
    for part in name.removesuffix("()").split("."):
        thing = getattr(thing, part)
    return thing() if called else thing


def is_asgi(thing: Any) -> bool:
    """Whether this is an ASGI 3 application: it takes scope, receive and send."""
    function = thing if inspect.isroutine(thing) else getattr(thing, "__call__", None)  # noqa: B004 - bound, to count
    try:
        parameters = [
            parameter
            for parameter in inspect.signature(function).parameters.values()  # type: ignore[arg-type]
            if parameter.default is parameter.empty and parameter.kind in (0, 1)
        ]
    except (TypeError, ValueError):
        return False
    return len(parameters) == 3 and asyncio.iscoroutinefunction(function)


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
