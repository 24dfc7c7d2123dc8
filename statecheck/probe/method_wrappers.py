"""Wraps methods of a class and of all its subclasses, present and future, so that each call is recorded once."""

from __future__ import annotations

import functools
import inspect
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from .barrier import BARRIER
from .observations import Observed
from .recorder import CALLER, RUN
from .subclasses import visit_subclasses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from .ops import OpAction, OpKind

_ACTIVE: ContextVar[tuple[tuple[int, str], ...]] = ContextVar("statecheck_active", default=())
_MARK = "_statecheck_wrapped"


@dataclass(frozen=True)
class Table:
    """Which methods of a class tree are recorded, and as what.

    Attributes:
        f: the op's kind.
        reads, writes: their result, or their arguments, are searched for markers.
        sets: writes that replace all that was there.
        calls: the user's frames are taken and carried to all that the library does inside.
        loads: classmethods that make an object from what was saved.
        edits: async context managers that read and write.
        others: {action: the methods that are recorded as it}.
        build: whether construction is recorded.
    """

    f: OpKind
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    others: Mapping[OpAction, tuple[str, ...]] = field(default_factory=dict)
    build: bool = False

    def actions(self) -> dict[str, OpAction | Literal["edit"]]:
        """{method: action}; `edit` is a read and a write."""
        named: dict[OpAction, tuple[str, ...]] = {
            "read": self.reads,
            "write": self.writes,
            "overwrite": self.sets,
            "call": self.calls,
            "load": self.loads,
            **self.others,
        }
        table: dict[str, OpAction | Literal["edit"]] = dict.fromkeys(self.edits, "edit")
        table.update({method: action for action, methods in named.items() for method in methods})
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

    wrap_class(base)
    visit_subclasses(base, wrap_class)


def _wrap(cls: type, name: str, f: OpKind, action: OpAction | Literal["edit"]) -> None:
    raw = cls.__dict__.get(name, getattr(cls, name))
    function = raw.__func__ if isinstance(raw, classmethod) else raw
    if isinstance(raw, (staticmethod, property)) or getattr(function, _MARK, False) or not callable(function):
        return
    if getattr(function, "__isabstractmethod__", False):
        return
    if action == "build":
        wrapper = _wrap_constructor(function, f)
    elif action == "edit":
        wrapper = _wrap_editor(function, f)
    elif inspect.iscoroutinefunction(function):
        wrapper = _wrap_coroutine(function, f, name, action)
    else:
        wrapper = _wrap_function(function, f, name, action)
    setattr(wrapper, _MARK, True)
    setattr(cls, name, classmethod(wrapper) if isinstance(raw, classmethod) else wrapper)


def _wrap_coroutine(function: Callable[..., Any], f: OpKind, name: str, action: OpAction) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        active = _ACTIVE.get()
        if (id(self), name) in active:
            return await function(self, *args, **kwargs)
        call = Observed(self, f, action, args, kwargs)
        with _enter_call(call, (*active, (id(self), name))):
            if action == "call":
                call.record()
            try:
                result = await function(self, *args, **kwargs)
            except BaseException as error:
                call.record(error=error)
                raise
        if action == "read":
            await BARRIER.ahold_read()
        if action != "call":
            call.record(result)
        return result

    return wrapper


def record_unawaited(coroutine: Any) -> None:
    """Record a write to a state object that the app asked for and never awaited: nothing was done."""
    frame = getattr(coroutine, "cr_frame", None)
    if frame is None or frame.f_code.co_filename != __file__:
        return
    given = frame.f_locals
    if given.get("action") in ("write", "overwrite"):
        Observed(given["self"], given["f"], "unawaited", given["args"], given["kwargs"]).record()


def _wrap_function(function: Callable[..., Any], f: OpKind, name: str, action: OpAction) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        active = _ACTIVE.get()
        if (id(self), name) in active:
            return function(self, *args, **kwargs)
        call = Observed(self, f, action, args, kwargs)
        with _enter_call(call, (*active, (id(self), name))):
            try:
                result = function(self, *args, **kwargs)
            except BaseException as error:
                call.record(error=error)
                raise
        if action == "read":
            BARRIER.hold_read()
        call.record(result)
        return result

    return wrapper


@contextmanager
def _enter_call(call: Observed, active: tuple[tuple[int, str], ...]) -> Iterator[None]:
    """Mark what is under way, so that `super()` calls are not recorded again; carry its caller and run along."""
    token = _ACTIVE.set(active)
    caller = CALLER.set(call.frames) if call.action == "call" else None
    run = RUN.set(uuid4().hex) if call.f == "run" else None
    try:
        yield
    finally:
        _ACTIVE.reset(token)
        if run is not None:
            RUN.reset(run)
        if caller is not None:
            CALLER.reset(caller)


def _wrap_editor(function: Callable[..., Any], f: OpKind) -> Callable[..., AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    @functools.wraps(function)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        frames = Observed(self, f, "read", (), {}, skip=4).frames
        async with function(self, *args, **kwargs) as state:
            await BARRIER.ahold_read()
            Observed(self, f, "read", (), {}, frames=frames).record(state)
            yield state
        Observed(self, f, "write", (state,), {}, frames=frames).record()  # it is saved on leaving

    return wrapper


def _wrap_constructor(function: Callable[..., Any], f: OpKind) -> Callable[..., Any]:
    @functools.wraps(function)
    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        active = _ACTIVE.get()
        if (id(self), "__init__") in active:
            function(self, *args, **kwargs)
            return
        call = Observed(self, f, "build", (), kwargs if f == "workflow" else {})
        with _enter_call(call, (*active, (id(self), "__init__"))):
            function(self, *args, **kwargs)
        call.record()

    # pydantic takes a class whose __init__ lacks this for one with a constructor of its own and validates otherwise
    if getattr(function, "__pydantic_base_init__", False):
        build.__pydantic_base_init__ = True  # type: ignore[attr-defined]
    return build
