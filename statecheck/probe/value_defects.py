"""Whether a library's key-value store replaced a value that was put again, or merged the new one into it.

What is under a key is read back only where it was seen to have a field that the new value has not.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .recorder import CALLER, RECORDER, TURN
from .store_defects import emit_defect
from .subclasses import visit_subclasses

if TYPE_CHECKING:
    from collections.abc import Callable

_SEEN: WeakKeyDictionary[Any, dict[tuple[Any, ...], frozenset[Any]]] = WeakKeyDictionary()
"""The fields that the value under each key of a store was seen to have."""
_MOST_SEEN = 1000


def watch_values(base: type) -> None:
    """Look at what is put under keys again, in all classes below `base`, now and when one is made."""
    visit_subclasses(base, _watch_class)


def _watch_class(cls: type) -> None:
    if RECORDER.relative(getattr(sys.modules.get(cls.__module__), "__file__", None) or ""):
        return
    wraps = {"get": _wrap_get, "aget": _wrap_aget, "put": _wrap_put, "aput": _wrap_aput}
    for name, wrap in wraps.items():
        function = cls.__dict__.get(name)
        if inspect.isfunction(function) and not getattr(function, "__isabstractmethod__", False):
            setattr(cls, name, wrap(function))


def _wrap_get(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def get(self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        value = function(self, key, *args, **kwargs)
        _note(self, _place(key, args, kwargs), value)
        return value

    return get


def _wrap_aget(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def aget(self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        value = await function(self, key, *args, **kwargs)
        _note(self, _place(key, args, kwargs), value)
        return value

    return aget


def _wrap_put(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def put(self: Any, key: Any, val: Any, *args: Any, **kwargs: Any) -> Any:
        gone = _fields_gone(self, _place(key, args, kwargs), val)
        result = function(self, key, val, *args, **kwargs)
        if gone and TURN.get():
            frames = RECORDER.frames(2) or CALLER.get()
            token = TURN.set(0)  # this read is not the app's
            try:
                kept = inspect.unwrap(type(self).get)(self, key, *args, **kwargs)
            except Exception:  # noqa: BLE001 - the store's own failure, which the app has not asked for
                kept = None
            finally:
                TURN.reset(token)
            _compare(self, function.__name__, (val, kept, gone), frames)
        return result

    return put


def _wrap_aput(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def aput(self: Any, key: Any, val: Any, *args: Any, **kwargs: Any) -> Any:
        gone = _fields_gone(self, _place(key, args, kwargs), val)
        frames = RECORDER.frames(2) or CALLER.get() if gone else ()
        result = await function(self, key, val, *args, **kwargs)
        if gone and TURN.get():
            token = TURN.set(0)
            try:
                kept = await inspect.unwrap(type(self).aget)(self, key, *args, **kwargs)
            except Exception:  # noqa: BLE001 - as above
                kept = None
            finally:
                TURN.reset(token)
            _compare(self, function.__name__, (val, kept, gone), frames)
        return result

    return aput


def _place(key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """A key and its collection, which is the only other argument."""
    return (str(key), *map(str, args), *map(str, kwargs.values()))


def _note(store: Any, place: tuple[Any, ...], value: Any) -> None:
    if isinstance(value, dict):
        seen = _SEEN.setdefault(store, {})
        if len(seen) < _MOST_SEEN or place in seen:
            seen[place] = frozenset(value)


def _fields_gone(store: Any, place: tuple[Any, ...], value: Any) -> frozenset[Any]:
    """The fields that the value under a key has, and the one that is put there has not."""
    if not isinstance(value, dict):
        return frozenset()
    before = _SEEN.get(store, {}).get(place, frozenset())
    _note(store, place, value)
    return before - frozenset(value)


def _compare(store: Any, method: str, seen: tuple[Any, Any, frozenset[Any]], frames: Any) -> None:
    given, kept, gone = seen
    if isinstance(kept, dict) and gone & frozenset(kept) and given.keys() <= kept.keys():
        emit_defect(store, method, "merges", frames)
