"""Servers that a module starts while it is imported: they return at once, as this worker serves the app."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any

from .frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

_importing = False
STARTED: list[Any] = []
"""What the servers that were not started would have served, or are methods of."""


@contextlib.contextmanager
def silence_servers() -> Iterator[None]:
    """Let no server be started in here: the target is being imported."""
    global _importing  # noqa: PLW0603 - the app calls the patched functions, and passes them nothing
    _importing = True
    try:
        yield
    finally:
        _importing = False


def _silence(*names: str) -> Callable[[ModuleType], None]:
    """A patch of these functions or methods (`Flask.run`) of a module."""

    def patch(module: ModuleType) -> None:
        for dotted in names:
            owner, _, name = dotted.rpartition(".")
            place = getattr(module, owner, None) if owner else module
            found = inspect.getattr_static(place, name, None)
            if isinstance(found, classmethod):
                setattr(place, name, classmethod(_skip_while_importing(found.__func__)))
            elif found is not None:
                setattr(place, name, _skip_while_importing(found))

    return patch


def _skip_while_importing(start: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(start):

        @functools.wraps(start)
        async def soon(*args: Any, **kwargs: Any) -> Any:
            return STARTED.extend(args[:1]) if _importing else await start(*args, **kwargs)

        return soon

    @functools.wraps(start)
    def started(*args: Any, **kwargs: Any) -> Any:
        return STARTED.extend(args[:1]) if _importing else start(*args, **kwargs)

    return started


_SERVERS = (
    "uvicorn.main:run",
    "uvicorn.server:Server.run",
    "uvicorn.server:Server.serve",
    "hypercorn.asyncio:serve",
    "hypercorn.run:run",
    "waitress:serve",
    "waitress.server:BaseWSGIServer.run",
    "waitress.server:MultiSocketServer.run",
    "wsgiref.simple_server:WSGIServer.serve_forever",
    "werkzeug.serving:run_simple",
    "gevent.baseserver:BaseServer.serve_forever",
)
"""`uvicorn` itself takes `run` from `uvicorn.main` when it is imported, which is patched by then."""


def _silence_by_module(starts: Iterable[str]) -> dict[str, Callable[[ModuleType], None]]:
    """Return a patch of each module, from `module:function` of all that is silenced."""
    names: dict[str, list[str]] = {}
    for start in starts:
        module, _, name = start.partition(":")
        names.setdefault(module, []).append(name)
    return {module: _silence(*of_module) for module, of_module in names.items()}


HOOKS = _silence_by_module((*_SERVERS, *(start for framework in FRAMEWORKS for start in framework.starts)))
