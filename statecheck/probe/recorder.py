"""Writes ops: one `os.write` of one line on an append-only descriptor, so that a SIGKILL loses none.

Also knows which frames are the user's, and which turn and which call of theirs a library's work belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
import weakref
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from .ops import MOST_RECORDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from typing_extensions import Unpack  # of the type checker's own: nothing of it is loaded

    from .ops import Fields, Frames, OpKind, OpType

TURN: ContextVar[int] = ContextVar("statecheck_turn", default=0)
"""The token of the turn being served; follows tasks and copied contexts into threads."""
CALLER: ContextVar[Frames] = ContextVar("statecheck_caller", default=())
"""The user's frames where `run(` or `chat(` was called: the work itself happens in the library's own tasks."""

RUN: ContextVar[str] = ContextVar("statecheck_run", default="")
"""What tells one workflow run from another, where LlamaIndex does not tag what is done in one."""

TOOL: ContextVar[str] = ContextVar("statecheck_tool", default="")
"""The name of the agent's tool that is running, or ""."""

TASKS: weakref.WeakValueDictionary[int, asyncio.Task[Any]] = weakref.WeakValueDictionary()
"""{turn token: the task that serves it}."""


def begin_turn(turn: int) -> Token[int]:
    """Let what follows in this task belong to a turn; returns what resets `TURN`."""
    task = asyncio.current_task()
    if task is not None:
        TASKS[turn] = task
    return TURN.set(turn)


# The app may replace what it likes in these modules; the recorder keeps what it found.
_write = os.write
_getpid = os.getpid
_now = time.monotonic_ns
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
_NOT_USERS = ("/site-packages/", "/dist-packages/", "/.venv/", "/venv/", "/node_modules/")
_MOST_FRAMES = 6
_LOOP_STEP = asyncio.events.Handle._run.__code__  # noqa: SLF001 - the one function that runs every step of a loop


def users_path(file: str, roots: tuple[str, ...]) -> str:
    """The path of a code file below the user's tree; "" for a library's, which may lie there too."""
    for root in roots:
        if file.startswith(root + "/"):
            rest = file[len(root) :]
            if not any(part in rest for part in _NOT_USERS):
                return rest[1:]
    return ""


class Recorder:
    """The one recorder of a process. Silent until `open` is called (in the warm parent it stays silent)."""

    def __init__(self) -> None:
        self.fd = -1
        self.missing = 0
        self.asked: Callable[[], None] = lambda: None  # told when a run has asked something of a person
        self._room = MOST_RECORDED
        self.roots: tuple[str, ...] = ()
        self._relative: dict[str, str] = {}  # code file -> the user's relative path, or "" for a library's
        self._numbers: dict[int, int] = {}
        self._references: dict[int, weakref.ref[Any]] = {}
        self.taken: dict[str, set[int]] = {}  # marker -> the objects that were given it to keep, by number
        self._count = itertools.count(1)  # one step: threads may ask at once

    def open(self, fd: int, roots: tuple[str, ...]) -> None:
        """Record to this descriptor; files below `roots` (absolute, no trailing slash) are the user's code."""
        self.fd = fd
        self.roots = roots
        self._relative = {}

    def frames(self, skip: int = 2, *, within_loop: bool = False) -> Frames:
        """The user's frames on the stack, innermost first: (relative path, line, function).

        Args:
            skip: frames of our own to leave out.
            within_loop: stop where an event loop runs its step: who started the loop (`asyncio.run` in a handler that
                is no coroutine) did not make the calls of the tasks in it.
        """
        frame: FrameType | None = sys._getframe(skip)  # noqa: SLF001 - inspect.stack reads source files; too slow here
        relative = self._relative
        found: list[tuple[str, int, str]] = []
        while frame is not None:
            code = frame.f_code
            file = code.co_filename
            path = relative.get(file)
            if path is None:
                path = self.relative(file)
            if path:
                found.append((path, frame.f_lineno or code.co_firstlineno, code.co_name))
                if len(found) == _MOST_FRAMES:
                    break
            elif within_loop and code is _LOOP_STEP:
                break
            frame = frame.f_back
        return tuple(found)

    def awaiting(self) -> Frames:
        """The user's frames in tasks that wait, innermost first: for work that a library moved to a task of its own.

        The task that serves this turn is asked first, then those that serve none.
        """
        task = TASKS.get(TURN.get())
        tasks = [task] if task is not None else []
        with contextlib.suppress(RuntimeError):
            tasks += asyncio.all_tasks().difference(TASKS.values())
        return next(filter(None, map(self.suspended, tasks)), ())

    def suspended(self, task: Any) -> Frames:
        """The user's frames in a task that waits, innermost first."""
        found: list[tuple[str, int, str]] = []
        waiting: Any = task.get_coro()
        while waiting is not None:
            frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
            path = self.relative(frame.f_code.co_filename) if frame is not None else ""
            if path and frame is not None:
                found.append((path, frame.f_lineno or 0, frame.f_code.co_name))
            waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
        return tuple(reversed(found))[:_MOST_FRAMES]

    def relative(self, file: str) -> str:
        """The path below the user's tree of a code file of theirs; "" for a library's."""
        known = self._relative.get(file)
        if known is None:
            known = self._relative[file] = users_path(file, self.roots)
        return known

    def number(self, thing: object) -> int:
        """This object's number in this process, from 1; the object is held weakly and its end is recorded.

        0 for what cannot be referenced weakly. State objects may be unhashable and compare by value, so
        identity is the only key.
        """
        known = self._numbers.get(id(thing))
        if known:
            return known
        number, ident = next(self._count), id(thing)
        try:
            weakref.finalize(thing, self._gone, ident, number, type(thing).__name__).atexit = False
            self._references[number] = weakref.ref(thing)
        except TypeError:
            return 0
        self._numbers[ident] = number
        return number

    def known(self, thing: object) -> bool:
        """Whether this object has been given a number."""
        return id(thing) in self._numbers

    def took(self, number: int, markers: list[str]) -> None:
        """Remember that this object was given these markers to keep."""
        for marker in markers:
            self.taken.setdefault(marker, set()).add(number)

    def holders(self, marker: str) -> list[Any]:
        """The objects that took a marker and are still alive."""
        references = [self._references.get(number) for number in list(self.taken.get(marker, ()))]
        return [thing for thing in (reference() for reference in references if reference) if thing is not None]

    def _gone(self, ident: int, number: int, cls: str) -> None:
        self._numbers.pop(ident, None)
        self._references.pop(number, None)
        self.emit("gone", cls=cls, obj=number)

    def emit(self, f: OpKind, type: OpType = "ok", **fields: Unpack[Fields]) -> None:  # noqa: A002 - the op's own word
        """Record one op; empty fields are best left out."""
        if self.fd < 0:
            return
        record: dict[str, Any] = {"time": _now(), "type": type, "f": f, "pid": _getpid(), **fields}
        turn = TURN.get()
        if turn:
            record["turn"] = turn
        try:
            line = _encode(record)
        except (TypeError, ValueError):
            line = _encode({**record, "text": "", "key": str(record.get("key")), "note": "not encodable"})
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        self._room -= len(data)
        if self._room < 0:
            self.missing += 1
            return
        try:
            _write(self.fd, data)
        except OSError:  # a limit that the app set on its process: it must not see it, the lab must
            self.missing += 1
        if f == "asks":
            self.asked()


RECORDER = Recorder()
