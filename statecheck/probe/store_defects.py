"""Whether a library's chat store did what it was asked to: what is there afterwards is read and compared.

A store may acknowledge a write and keep something else: its messages reversed, or those that were replaced as well.
Only rare calls are looked at, and only of stores that are not the app's own.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

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
        before = _read(self, key, read)
        result = function(self, key, value, *args, **kwargs)
        _compare(self, function.__name__, value, (before, _read(self, key, read)), frames)
        return result

    return wrapper


def _wrap_coroutine(function: Callable[..., Any], read: str) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(self: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not TURN.get():
            return await function(self, key, value, *args, **kwargs)
        frames = RECORDER.frames(2) or CALLER.get()
        before = await _aread(self, key, read)
        result = await function(self, key, value, *args, **kwargs)
        _compare(self, function.__name__, value, (before, await _aread(self, key, read)), frames)
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


def _contents(messages: Any) -> list[_Said]:
    return [(str(getattr(each, "role", "")), str(getattr(each, "content", each))) for each in messages or ()]


def _compare(store: Any, method: str, value: Any, seen: tuple[list[_Said] | None, list[_Said] | None], at: Any) -> None:
    before, after = seen
    if before is None or after is None:
        return
    if isinstance(value, int):
        rest = [each for place, each in enumerate(before) if place != value]
        if after != rest and after == rest[::-1]:
            _emit(store, method, "reverses", at)
        return
    given = _contents(value)
    if given and before and after == [*before, *given]:
        _emit(store, method, "doubles", at)


def _emit(store: Any, method: str, name: str, frames: Any) -> None:
    token = TURN.get()
    kind: Any = type(store)
    found = find_distribution(kind)
    if token:
        RECORDER.emit("defect", cls=kind.__name__, name=name, method=method, where=found, frames=frames)


@functools.cache
def find_distribution(cls: type[Any]) -> str:
    """The distribution that a class comes from, and its version: `llama-index-core 0.14.25`; "" where none has it."""
    token = TURN.set(0)  # what is read meanwhile is no doing of the app's
    try:
        file = os.path.abspath(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")
        for distribution in distributions():
            root = os.path.abspath(str(distribution.locate_file(""))) + os.sep
            if file.startswith(root) and f"{file[len(root) :]}," in (distribution.read_text("RECORD") or ""):
                return f"{distribution.metadata['Name']} {distribution.version}"
    except Exception:  # noqa: BLE001 - metadata may be damaged
        return ""
    finally:
        TURN.reset(token)
    return ""
