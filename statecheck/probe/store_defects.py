"""Whether a library's chat store did what it was asked to: what is there afterwards is read and compared.

A store may acknowledge a write and keep something else: its messages reversed, or those that were replaced as well; or
it keeps them for good where they were to expire. Only rare calls are looked at, and only of stores that are not the
app's own.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

from .distributions import find_distribution
from .recorder import CALLER, RECORDER, TURN
from .subclasses import visit_subclasses

if TYPE_CHECKING:
    from collections.abc import Callable

_READS = {"get_messages": ("delete_message", "set_messages"), "aget_messages": ("adelete_message", "aset_messages")}
_Said = tuple[str, str]


def watch_stores(base: type) -> None:
    """Look at what deletes or replaces messages, in all classes below `base`, now and when one is made."""
    visit_subclasses(base, _watch_class)


def _watch_class(cls: type) -> None:
    if RECORDER.relative(getattr(sys.modules.get(cls.__module__), "__file__", None) or ""):
        return
    for read, names in _READS.items():
        for name in names:
            function = cls.__dict__.get(name)
            if inspect.isfunction(function) and not getattr(function, "__isabstractmethod__", False):
                wrap = _wrap_coroutine if inspect.iscoroutinefunction(function) else _wrap_function
                setattr(cls, name, wrap(function, read))


def _wrap_function(function: Callable[..., Any], read: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(self: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not TURN.get():
            return function(self, key, value, *args, **kwargs)
        frames = RECORDER.frames(2) or CALLER.get()
        before, expires = _read(self, key, read), _left(self, key)
        result = function(self, key, value, *args, **kwargs)
        _compare(self, function.__name__, value, (before, _read(self, key, read)), frames)
        _compare_expiry(self, function.__name__, (expires, _left(self, key)), frames)
        return result

    return wrapper


def _wrap_coroutine(function: Callable[..., Any], read: str) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(self: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not TURN.get():
            return await function(self, key, value, *args, **kwargs)
        frames = RECORDER.frames(2) or CALLER.get()
        before, expires = await _aread(self, key, read), await _aleft(self, key)
        result = await function(self, key, value, *args, **kwargs)
        _compare(self, function.__name__, value, (before, await _aread(self, key, read)), frames)
        _compare_expiry(self, function.__name__, (expires, await _aleft(self, key)), frames)
        return result

    return wrapper


def _read(store: Any, key: Any, name: str) -> list[_Said] | None:
    """What a store has under a key, not recorded as a read of the app's; None where it cannot be read."""
    token = TURN.set(0)
    try:
        return _contents(inspect.unwrap(getattr(type(store), name))(store, key))
    except Exception:  # noqa: BLE001 - the store's own failure, which the app has not asked for
        return None
    finally:
        TURN.reset(token)


async def _aread(store: Any, key: Any, name: str) -> list[_Said] | None:
    token = TURN.set(0)
    try:
        return _contents(await inspect.unwrap(getattr(type(store), name))(store, key))
    except Exception:  # noqa: BLE001 - as above
        return None
    finally:
        TURN.reset(token)


def _left(store: Any, key: Any) -> int | None:
    """How many seconds a key has left that expires, by the store's own client; None where nothing says so."""
    token = TURN.set(0)
    try:
        client = _find_client(store, waits=False)
        return int(client.ttl(key)) if client is not None else None
    except Exception:  # noqa: BLE001 - as above
        return None
    finally:
        TURN.reset(token)


async def _aleft(store: Any, key: Any) -> int | None:
    token = TURN.set(0)
    try:
        client = _find_client(store, waits=True)
        return int(await client.ttl(key)) if client is not None else None
    except Exception:  # noqa: BLE001 - as above
        return None
    finally:
        TURN.reset(token)


def _find_client(store: Any, *, waits: bool) -> Any:
    """The client of a store whose keys expire: it can be asked how long one of them has left."""
    if not getattr(store, "ttl", None):
        return None
    held = {**vars(store), **(getattr(store, "__pydantic_private__", None) or {})}.values()
    clients = (each for each in held if callable(getattr(each, "ttl", None)))
    return next((each for each in clients if ("asyncio" in type(each).__module__) is waits), None)


def _contents(messages: Any) -> list[_Said]:
    return [(str(getattr(each, "role", "")), str(getattr(each, "content", each))) for each in messages or ()]


def _compare(store: Any, method: str, value: Any, seen: tuple[list[_Said] | None, list[_Said] | None], at: Any) -> None:
    before, after = seen
    if before is None or after is None:
        return
    if isinstance(value, int):
        rest = [each for place, each in enumerate(before) if place != value]
        if after != rest and after == rest[::-1]:
            emit_defect(store, method, "reverses", at)
        return
    given = _contents(value)
    if given and before and after == [*before, *given]:
        emit_defect(store, method, "doubles", at)


def _compare_expiry(store: Any, method: str, seen: tuple[int | None, int | None], at: Any) -> None:
    before, after = seen
    if before is not None and before > 0 and after == _FOR_GOOD:
        emit_defect(store, method, "drops-ttl", at)


_FOR_GOOD = -1  # what Redis answers of a key that is there and does not expire


def emit_defect(store: Any, method: str, name: str, frames: Any) -> None:
    """Record that a method of a library's store left something else than it says."""
    kind: Any = type(store)
    if TURN.get():
        found = find_distribution(kind)
        RECORDER.emit("defect", cls=kind.__name__, name=name, method=method, distribution=found, frames=frames)
