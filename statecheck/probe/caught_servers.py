"""The calls by which an app starts its server, caught: a worker of the lab serves in their place.

While a module is imported such a call returns at once, and what it would have served is noted. While a function runs
that builds an app and serves it, the worker serves inside that very call: whatever the function has opened stays open.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import importlib
import inspect
import threading
from typing import TYPE_CHECKING, Any, Protocol

from .server_starts import STARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from .server_starts import Start

STARTED: list[Any] = []
"""What the servers that were not started would have served."""
_OURS: contextvars.ContextVar[bool] = contextvars.ContextVar("statecheck_serves", default=False)


class Catcher(Protocol):
    """What becomes of a call that would start a server."""

    def catch(self, served: Any) -> None:
        """Take what a call would serve; the call returns when this does."""

    async def acatch(self, served: Any) -> None:
        """Take what an async call would serve."""

    def begin(self, served: Any) -> None:
        """Take what a call would serve that returns at once, for the loop of its caller to serve."""


class Noting:
    """Notes what would be served, and goes on: an import has to come to its end."""

    def catch(self, served: Any) -> None:
        """Note it."""
        STARTED.append(served)

    async def acatch(self, served: Any) -> None:
        """Note it."""
        STARTED.append(served)

    def begin(self, served: Any) -> None:
        """Note it."""
        STARTED.append(served)


class Serving:
    """Serves the first app that is started, until killed; what else is started waits.

    Args:
        serve: serves an app, and does not return.
        aserve: serves it on the loop that runs, and does not return; or None, where it needs a loop of its own.
    """

    def __init__(self, serve: Callable[[Any], None], aserve: Callable[[Any], Any]) -> None:
        self._serve = serve
        self._aserve = aserve
        self._first = threading.Lock()
        self._serving: asyncio.Task[None] | None = None  # a loop holds its tasks weakly

    @property
    def begun(self) -> bool:
        """Whether an app is served, in whatever thread."""
        return self._first.locked()

    def catch(self, served: Any) -> None:
        """Serve it here; in a thread of its own, where a loop runs that cannot be waited in."""
        if not self._first.acquire(blocking=False):
            threading.Event().wait()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._serve_as_ours(served)
        else:
            apart = threading.Thread(target=self._serve_as_ours, args=(served,), daemon=True)
            apart.start()
            apart.join()

    async def acatch(self, served: Any) -> None:
        """Serve it on the loop on which its starter has opened what it needs."""
        if not self._first.acquire(blocking=False):
            await asyncio.get_running_loop().create_future()
        _OURS.set(True)
        await self._aserve(served)

    def begin(self, served: Any) -> None:
        """Serve it on the loop that runs, and return; where none does yet, serve it here."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.catch(served)
        else:
            self._serving = loop.create_task(self.acatch(served))

    def _serve_as_ours(self, served: Any) -> None:
        _OURS.set(True)
        self._serve(served)


_catcher: Catcher | None = None


@contextlib.contextmanager
def catch_servers(catcher: Catcher) -> Iterator[None]:
    """Hand every call that starts a server to this."""
    global _catcher  # noqa: PLW0603 - the app calls the patched functions, and passes them nothing
    before, _catcher = _catcher, catcher
    try:
        yield
    finally:
        _catcher = before


def _patch_starts(starts: Iterable[Start]) -> Callable[[ModuleType], None]:
    """A patch of these functions and methods of a module."""

    def patch(module: ModuleType) -> None:
        for each in starts:
            place = getattr(module, each.owner, None) if each.owner else module
            found = inspect.getattr_static(place, each.name, None)
            if isinstance(found, classmethod):
                setattr(place, each.name, classmethod(_caught(found.__func__, each)))
            elif found is not None:
                setattr(place, each.name, _caught(found, each))

    return patch


def _caught(start: Callable[..., Any], known: Start) -> Callable[..., Any]:
    served = known.served
    if inspect.iscoroutinefunction(start):

        @functools.wraps(start)
        async def soon(*args: Any, **kwargs: Any) -> Any:
            if _catcher is None or _OURS.get():
                return await start(*args, **kwargs)
            return await _catcher.acatch(_find_served(start, served, args, kwargs))

        return soon

    @functools.wraps(start)
    def started(*args: Any, **kwargs: Any) -> Any:
        if _catcher is None or _OURS.get():
            return start(*args, **kwargs)
        take = _catcher.begin if known.returns else _catcher.catch
        return take(_find_served(start, served, args, kwargs))

    return started


def _find_served(start: Callable[..., Any], served: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a call would serve: an app, also where the call names it (`pkg.main:app`) or what builds it."""
    if served:
        name, *attributes = served.split(".")
        thing = inspect.signature(start).bind_partial(*args, **kwargs).arguments.get(name)
        for attribute in attributes:
            thing = getattr(thing, attribute, None)
    else:
        thing = next(iter((*args, *kwargs.values())), None)
    if isinstance(thing, str):
        module, _, path = thing.partition(":")
        thing = importlib.import_module(module)
        for part in path.split(".") if path else ():
            thing = getattr(thing, part)
    return thing() if inspect.isroutine(thing) and not _asks(thing) else thing


def _asks(function: Any) -> bool:
    """Whether a function has to be given something: one that builds an app need not."""
    parameters = inspect.signature(function).parameters.values()
    return any(
        each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters
    )


def _by_module() -> dict[str, Callable[[ModuleType], None]]:
    """Return a patch of each module in which something is caught."""
    found: dict[str, list[Start]] = {}
    for start in STARTS:
        found.setdefault(start.module, []).append(start)
    return {module: _patch_starts(of_module) for module, of_module in found.items()}


HOOKS = _by_module()
