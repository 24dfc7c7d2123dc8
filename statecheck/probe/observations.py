"""What is recorded of one call on a state object: who made it, on what, under which key, with which markers."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from . import mutations, state_usage
from .distributions import find_distribution
from .markers import attributes_of, find, text
from .recorder import CALLER, RECORDER, RUN
from .value_text import content

if TYPE_CHECKING:
    from .ops import Fields, Frames, OpAction, OpKind

LIBRARY_KEYS: set[str] = set()
"""Keys that a library uses where the app gives none: never shown as the app's own."""
_BACKING = ("sql_store", "chat_store", "_memory", "memory", "primary_memory", "store")
_CARRIERS = ("ctx", "memory", "chat_history")
_MOST_ERROR = 500
_STORES = ("chat-store", "memory")
_FROM_OUTSIDE = (OSError, asyncio.CancelledError, KeyboardInterrupt, SystemExit)
_NO_HOLDERS = ("ctx-store", "cache", "session")  # an object of these is a view of one request or thread


class Observed:
    """A call under way: its frames are taken now, the rest when it has ended.

    Attributes:
        inside: the user's code is not on the stack; `frames` are those of the call that a library works for.
    """

    __slots__ = ("action", "args", "f", "frames", "inside", "kwargs", "subject")

    def __init__(
        self,
        subject: Any,
        f: OpKind,
        action: OpAction,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frames: Frames = (),
        skip: int = 3,
    ) -> None:
        self.subject = subject
        self.f = f
        self.action = action
        self.args = args
        self.kwargs = kwargs
        own = frames or RECORDER.frames(skip, within_loop=True)
        self.frames = own or CALLER.get() or RECORDER.frames(skip)
        self.inside = not own

    def record(self, result: Any = None, error: BaseException | None = None) -> None:
        """Record the call as ended, with its result or its error. Never raises into the app."""
        if RECORDER.fd < 0:
            return
        try:
            for args, value in self._parts(result, error):
                self.args = args
                self._record(value, error)
        except Exception as failure:  # noqa: BLE001 - an object of the app that cannot be looked at
            RECORDER.emit("unseen", type="info", cls=type(self.subject).__name__, error=type(failure).__name__)

    def _parts(self, result: Any, error: BaseException | None) -> list[tuple[tuple[Any, ...], Any]]:
        """(arguments, result) of each call to record: one, or one a value where a Context is asked for all."""
        named = bool(self.args) and isinstance(self.args[0], str)
        if self.f == "ctx-store" and self.action in ("read", "write") and not (named or self.inside or error):
            reads = self.action == "read"
            uses = state_usage.find_usage(self.frames)
            if uses is not None and reads:
                return [((name,), state_usage.value_of(result, name)) for name in uses.read]
            if uses is not None:
                return [((name, state_usage.value_of(self.args[0], name)), None) for name in uses.set]
        return [(self.args, result)]

    def _record(self, result: Any, error: BaseException | None) -> None:
        fields: Fields = {"action": self.action, **self._thing(result)}
        key = key_of(self.subject, self.f, self.args, self.kwargs)
        if key is not None:
            fields["key"] = key
        fields.update(self._content(result, fields.get("obj", 0)))
        if self.f == "ctx-store" and self.args and isinstance(self.args[0], str):
            fields["name"] = self.args[0]
        fields.update(self._more(result))
        if self.frames:
            fields["frames"] = self.frames
        run = fields.get("run") or run_id()
        if run:
            fields["run"] = run
        if not self.inside and error is None:
            self._watch(fields, result)
        if error is not None:
            fields["error"] = f"{type(error).__name__}: {error}"[:_MOST_ERROR]
            fields["text"] = fields.get("text") or text(self.args[-1] if self.args else None)
        if (self.action == "build" and self.f in _STORES) or (error is not None and self._is_refusal(error)):
            fields["distribution"] = find_distribution(_class_of(self.subject))
        RECORDER.emit(self.f, "ok" if error is None else "fail", **fields)

    def _is_refusal(self, error: BaseException) -> bool:
        """Whether the library's own code failed at what it takes: messages where it writes."""
        given = (*self.args, *self.kwargs.values())
        taken = self.action not in ("write", "overwrite") or any(map(_is_messages, given))
        return taken and not isinstance(error, _FROM_OUTSIDE) and _raised_in_library(error)

    def _more(self, result: Any) -> Fields:
        """What tells more of a run, of what a workflow was given, of a snapshot, and whose call it was."""
        if self.f == "run":
            return _run(result, self.kwargs)
        if self.f == "workflow":
            return {"arguments": _carriers(self.kwargs)}
        if self.action == "to_dict" and isinstance(result, dict) and result.get("is_running"):
            return {"running": True}
        return {"by_library": True} if self.inside else {}

    def _watch(self, fields: Fields, result: Any) -> None:
        """Let what was read be looked at again when the turn ends: it may be changed in place."""
        if self.f == "ctx-store":
            mutations.observe(fields, result)
        elif self.f == "session" and self.action == "read":
            mutations.observe({**fields, "name": str(self.args[0]) if self.args else ""}, result, self.subject)

    def _thing(self, result: Any) -> Fields:
        """The state object: its class, its number, and what it is a view over."""
        thing = result if self.action == "load" else self.subject
        named = self.subject if isinstance(self.subject, type) else type(thing)
        fields: Fields = {"cls": named.__name__}
        if thing is None or isinstance(thing, type):
            return fields
        fields["obj"] = RECORDER.number(thing)
        backing = backing_of(thing)
        if backing is not None:
            fields["parent"] = RECORDER.number(backing)
        place = where(thing) or where(backing)
        if place:
            fields["where"] = place
        return fields

    def _content(self, result: Any, number: int) -> Fields:
        """The markers that went in or came out."""
        comes_out = self.action in ("read", "load")
        markers = find(result if comes_out else (self.args, self.kwargs))
        if not markers:
            # a counter or an approval has no marker: its content tells whether it is the same again
            own = self.f == "ctx-store" and not self.inside and (comes_out or bool(self.args))
            return {"text": content(result if comes_out else self.args[-1])} if own else {}
        if self.action in ("write", "overwrite") and self.f not in _NO_HOLDERS and number:
            RECORDER.took(number, markers)
        value = self.args[1] if self.f == "cache" and len(self.args) > 1 else self.args[-1] if self.args else None
        return {"markers": markers, "text": text(result if comes_out else value)}


def _class_of(subject: Any) -> type[Any]:
    return subject if isinstance(subject, type) else type(subject)


def _is_messages(value: Any) -> bool:
    several = value if isinstance(value, (list, tuple)) else (value,)
    return all(hasattr(each, "additional_kwargs") for each in several)


def _raised_in_library(error: BaseException) -> bool:
    """Whether it is neither the user's code that raised an error, nor a call with other arguments than are taken."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    file = at.tb_frame.f_code.co_filename if at is not None else ""
    return bool(file) and os.path.dirname(file) != os.path.dirname(__file__) and not RECORDER.relative(file)


def _run(handler: Any, kwargs: dict[str, Any]) -> Fields:
    """A workflow run: which Context it got, and what it was given."""
    context = getattr(handler, "ctx", None)
    given = kwargs.get("ctx")
    return {
        "obj": RECORDER.number(context) if context is not None else 0,
        "parent": RECORDER.number(given) if given is not None else 0,
        "run": str(getattr(handler, "run_id", None) or ""),
        "arguments": _carriers(kwargs),
    }


def _carriers(kwargs: dict[str, Any]) -> tuple[str, ...]:
    """The names of what could carry a conversation among the arguments of a run, or of an agent's constructor."""
    return tuple(name for name in _CARRIERS if kwargs.get(name) is not None)


def backing_of(thing: Any) -> Any:
    """The state object that this one is a view over or holds, or None."""
    attributes = attributes_of(thing)
    for name in _BACKING:
        backing = attributes.get(name)
        if backing is not None and (RECORDER.known(backing) or hasattr(type(backing), "get_messages")):
            return backing
    return None


def where(thing: Any) -> str:
    """Where a store keeps its rows, without credentials: `sqlite+aiosqlite:///:memory:`, or ""."""
    attributes = attributes_of(thing)
    private = getattr(thing, "__pydantic_private__", None) or {}
    engine = private.get("_async_engine") or attributes.get("async_engine")
    uri = getattr(engine, "url", None) or attributes.get("async_database_uri")
    head, separator, tail = unquote(str(uri or "")).partition("://")
    return f"{head}{separator}{tail.rpartition('@')[2].partition('?')[0]}"


def key_of(thing: Any, f: OpKind, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """The key under which state is looked up: the object's own, or a chat store's first argument."""
    attributes = {} if isinstance(thing, type) else attributes_of(thing)
    own = (attributes.get(name) for name in ("session_id", "chat_store_key"))
    first = kwargs.get("key", args[0] if args else None) if f in ("chat-store", "cache") else None
    for value in (*own, first):
        if isinstance(value, (str, int)) and value is not True and value is not False:
            return None if value in LIBRARY_KEYS else str(value)
    return None


def run_id() -> str:
    """The workflow run that this code belongs to, from LlamaIndex's own instrumentation tags where it has them."""
    dispatcher = sys.modules.get("llama_index_instrumentation.dispatcher")
    tags = dispatcher.active_instrument_tags.get() if dispatcher is not None else {}
    return str(tags.get("llamaindex.run_id") or RUN.get())
