"""Wraps methods of a class and of all its subclasses, present and future, so that each call is recorded once."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .barrier import BARRIER
from .markers import find, text
from .recorder import CALLER, RECORDER

_ACTIVE: ContextVar[tuple[tuple[int, str], ...]] = ContextVar("statecheck_active", default=())
_MARK = "_statecheck_wrapped"
LIBRARY_KEYS: set[str] = set()
"""Keys that a library uses where the app gives none: never shown as the app's own."""
_BACKING = ("sql_store", "chat_store", "_memory", "memory", "primary_memory", "store")


@dataclass(frozen=True)
class Table:
    """Which methods of a class tree are recorded, and as what.

    Attributes:
        f: the op's `f`.
        reads, writes: their result, or their arguments, are searched for markers.
        calls: the user's frames are taken and carried to all that the library does inside.
        loads: classmethods that make an object from what was saved.
        edits: async context managers that read and write.
        others: recorded under their own name.
        build: whether construction is recorded.
    """

    f: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    build: bool = False

    def actions(self) -> dict[str, str]:
        """{method: action}."""
        named = {"read": self.reads, "write": self.writes, "call": self.calls, "load": self.loads, "edit": self.edits}
        table = {method: action for action, methods in named.items() for method in methods}
        table.update({method: method for method in self.others})
        if self.build:
            table["__init__"] = "build"
        return table


def wrap_tree(base: type, table: Table) -> None:
    """Wrap the table's methods wherever the tree below `base` defines them, now and when a subclass is made."""
    actions = table.actions()

    def wrap_class(cls: type) -> None:
        for name, action in actions.items():
            if name in cls.__dict__ or (name == "__init__" and cls is base):
                _wrap(cls, name, table.f, action)

    def below(cls: type) -> None:
        wrap_class(cls)
        for subclass in cls.__subclasses__():
            below(subclass)

    below(base)
    hook = "__pydantic_init_subclass__" if hasattr(base, "__pydantic_init_subclass__") else "__init_subclass__"
    before = base.__dict__.get(hook)

    def made(cls: type, **kwargs: Any) -> None:
        if before is not None:
            before.__func__(cls, **kwargs)
        else:
            getattr(super(base, cls), hook)(**kwargs)
        wrap_class(cls)

    setattr(base, hook, classmethod(made))


def _wrap(cls: type, name: str, f: str, action: str) -> None:
    raw = cls.__dict__.get(name, getattr(cls, name))
    function = raw.__func__ if isinstance(raw, classmethod) else raw
    if isinstance(raw, (staticmethod, property)) or getattr(function, _MARK, False) or not callable(function):
        return
    if getattr(function, "__isabstractmethod__", False):
        return
    if action == "build":
        wrapper = _building(function, f)
    elif action == "edit":
        wrapper = _editing(function, f)
    elif inspect.iscoroutinefunction(function):
        wrapper = _asynchronous(function, f, name, action)
    else:
        wrapper = _synchronous(function, f, name, action)
    setattr(wrapper, _MARK, True)
    setattr(cls, name, classmethod(wrapper) if isinstance(raw, classmethod) else wrapper)


def _asynchronous(function: Callable[..., Any], f: str, name: str, action: str) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        active = _ACTIVE.get()
        if (id(self), name) in active:
            return await function(self, *args, **kwargs)
        frames, inside = _frames()
        token = _ACTIVE.set((*active, (id(self), name)))
        caller = CALLER.set(frames) if action == "call" else None
        if action == "call":
            _record(self, f, "call", frames, inside, args, kwargs)
        try:
            result = await function(self, *args, **kwargs)
        except BaseException as error:
            _record(self, f, action, frames, inside, args, kwargs, error=error)
            raise
        finally:
            _ACTIVE.reset(token)
            if caller is not None:
                CALLER.reset(caller)
        if action == "read":
            await BARRIER.ahold_read()
        if action != "call":
            _record(self, f, action, frames, inside, args, kwargs, result=result)
        return result

    return wrapper


def _synchronous(function: Callable[..., Any], f: str, name: str, action: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        active = _ACTIVE.get()
        if (id(self), name) in active:
            return function(self, *args, **kwargs)
        frames, inside = _frames()
        token = _ACTIVE.set((*active, (id(self), name)))
        caller = CALLER.set(frames) if action == "call" else None
        try:
            result = function(self, *args, **kwargs)
        except BaseException as error:
            _record(self, f, action, frames, inside, args, kwargs, error=error)
            raise
        finally:
            _ACTIVE.reset(token)
            if caller is not None:
                CALLER.reset(caller)
        if action == "read":
            BARRIER.hold_read()
        _record(self, f, action, frames, inside, args, kwargs, result=result)
        return result

    return wrapper


def _editing(function: Callable[..., Any], f: str) -> Callable[..., AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    @functools.wraps(function)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        frames, inside = _frames(5)
        async with function(self, *args, **kwargs) as state:
            await BARRIER.ahold_read()
            _record(self, f, "read", frames, inside, (), {}, result=state)
            yield state
            _record(self, f, "write", frames, inside, (state,), {})

    return wrapper


def _building(function: Callable[..., Any], f: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        active = _ACTIVE.get()
        if (id(self), "__init__") in active:
            function(self, *args, **kwargs)
            return
        frames, inside = _frames()
        token = _ACTIVE.set((*active, (id(self), "__init__")))
        try:
            function(self, *args, **kwargs)
        finally:
            _ACTIVE.reset(token)
        _record(self, f, "build", frames, inside, (), {})

    # pydantic takes a class whose __init__ lacks this for one with a constructor of its own and validates otherwise
    if getattr(function, "__pydantic_base_init__", False):
        __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]
    return __init__


def _frames(skip: int = 3) -> tuple[tuple[tuple[str, int, str], ...], bool]:
    """The user's frames, and whether they are only the caller's of a run that does this inside."""
    frames = RECORDER.frames(skip)
    return (frames, False) if frames else (CALLER.get(), True)


def _record(
    self: Any,
    f: str,
    action: str,
    frames: tuple[tuple[str, int, str], ...],
    inside: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    result: Any = None,
    error: BaseException | None = None,
) -> None:
    if RECORDER.fd < 0:
        return
    thing = result if action == "load" else self
    fields: dict[str, Any] = {"action": action, "cls": (self if isinstance(self, type) else type(thing)).__name__}
    if thing is not None and not isinstance(thing, type):
        fields["obj"] = RECORDER.number(thing)
        backing = backing_of(thing)
        if backing is not None:
            fields["parent"] = RECORDER.number(backing)
        place = where(thing) or where(backing)
        if place:
            fields["where"] = place
    key = key_of(self, f, args, kwargs)
    if key is not None:
        fields["key"] = key
    given = action not in ("read", "load")
    markers = find((args, kwargs) if given else result)
    if markers:
        fields["markers"] = markers
        if action == "write" and f != "ctx-store" and "obj" in fields:
            RECORDER.took(fields["obj"], markers)
        fields["text"] = text(args[-1] if given and args else None if given else result)
    if f == "ctx-store" and args and isinstance(args[0], str):
        fields["where"] = args[0]
    if f == "run":
        context = getattr(result, "ctx", None)
        fields["obj"] = RECORDER.number(context) if context is not None else 0
        fields["run"] = str(getattr(result, "run_id", None) or "")
        given_parts = [name for name in ("ctx", "memory", "chat_history") if kwargs.get(name) is not None]
        fields["note"] = " ".join(given_parts)
    elif inside:
        fields["note"] = "inside"
    if frames:
        fields["frames"] = frames
    run = fields.get("run") or run_id()
    if run:
        fields["run"] = run
    if error is not None:
        fields["note"] = f"{type(error).__name__}: {error}"[:500]
    RECORDER.emit(f, "ok" if error is None else "fail", **fields)


def backing_of(thing: Any) -> Any:
    """The state object that this one is a view over or holds, or None."""
    attributes = getattr(thing, "__dict__", None) or {}
    for name in _BACKING:
        backing = attributes.get(name)
        if backing is not None and (RECORDER.known(backing) or hasattr(type(backing), "get_messages")):
            return backing
    return None


def where(thing: Any) -> str:
    """Where a store keeps its rows, without credentials: `sqlite+aiosqlite:///:memory:`, or ""."""
    uri = getattr(thing, "__dict__", {}).get("async_database_uri") if thing is not None else None
    if not isinstance(uri, str):
        engine = getattr(thing, "__dict__", {}).get("_async_engine")
        uri = str(getattr(engine, "url", "") or "")
    head, separator, tail = uri.partition("://")
    return f"{head}{separator}{tail.rpartition('@')[2]}" if separator else uri


def key_of(thing: Any, f: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """The key under which state is looked up: the object's own, or a chat store's first argument."""
    attributes = getattr(thing, "__dict__", {})
    for name in ("session_id", "chat_store_key"):
        value = attributes.get(name)
        if value is not None and not isinstance(thing, type):
            return None if value in LIBRARY_KEYS else str(value)
    if f == "chat-store":
        first = kwargs.get("key", args[0] if args else None)
        if isinstance(first, (str, int)) and first not in LIBRARY_KEYS:
            return str(first)
    return None


def run_id() -> str:
    """The workflow run that this code belongs to, from LlamaIndex's own instrumentation tags, or ""."""
    dispatcher = sys.modules.get("llama_index_instrumentation.dispatcher")
    if dispatcher is None:
        return ""
    return str(dispatcher.active_instrument_tags.get().get("llamaindex.run_id") or "")
