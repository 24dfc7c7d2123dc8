"""What a turn leaves running behind its answer: threads and tasks that the user's own code starts.

A save that is done so is done by the time that a person has read the answer. The lab is told when a turn has nothing
left, so that the next one does not come before: whether it would is a matter of luck. Unlike what is handed to a pool
(`executors`), many of these never end, so the lab's patience decides, and the turn itself has ended.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Callable

_lock = threading.Lock()
_running: Counter[int] = Counter()  # by turn
_told: dict[int, Callable[[], None]] = {}  # turns that have ended -> what is done when nothing of them runs


def install() -> None:
    """Start watching, in this process."""
    _watch_threads()
    for name in ("create_task", "ensure_future"):
        setattr(asyncio, name, _watch(getattr(asyncio, name)))


def tell_when_done(turn: int, tell: Callable[[], None]) -> bool:
    """Let something be done when nothing of a turn runs any more; whether something does now."""
    with _lock:
        if not _running[turn]:
            del _running[turn]
            return False
        _told[turn] = tell
        return True


def _begin(turn: int) -> None:
    with _lock:
        _running[turn] += 1


def _end(turn: int, *_: Any) -> None:
    with _lock:
        _running[turn] -= 1
        tell = None if _running[turn] else _told.pop(turn, None)
        if not _running[turn]:
            del _running[turn]
    if tell is not None:
        tell()


def _turn_of_the_users() -> int:
    """The turn, if it is the user's own code that asks for something to be done beside it; else 0."""
    turn = TURN.get()
    asking = sys._getframe(2).f_code.co_filename if turn else ""  # noqa: SLF001 - as the recorder does
    return turn if RECORDER.relative(asking) else 0


def _watch_threads() -> None:
    start: Any = threading.Thread.start

    @functools.wraps(start)
    def watched(self: threading.Thread) -> None:
        turn = _turn_of_the_users()
        if turn:
            run: Callable[[], None] = self.run
            self.run = functools.partial(_run, turn, run)  # type: ignore[method-assign]
            _begin(turn)
        try:
            start(self)
        except BaseException:
            if turn:
                _end(turn)
            raise

    threading.Thread.start = watched  # type: ignore[method-assign]


def _run(turn: int, run: Callable[[], None]) -> None:
    try:
        run()
    finally:
        _end(turn)


def _watch(function: Any) -> Any:
    """Make a function that notes the task that it returns as running until it is done."""

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        turn = _turn_of_the_users()
        made = function(*args, **kwargs)
        if turn and isinstance(made, asyncio.Future):
            _begin(turn)
            made.add_done_callback(functools.partial(_end, turn))
        return made

    return watched
