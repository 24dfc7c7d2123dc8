"""What a turn leaves running behind its answer: threads and tasks that the user's own code starts, work for pools.

A save that is done so is done by the time that a person has read the answer. The lab is told when a turn has nothing
left, so that the next one does not come before: whether it would is a matter of luck. Many of these never end, so the
lab's patience decides, and the turn itself has ended.

What their code starts outside of turns (the one consumer of a queue) is to last; what ends it is told at once.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Tell = Callable[[BaseException | None], None]
    Report = Callable[[BaseException, str], None]

_BEGINNERS = ("create_task", "ensure_future", "_ensure_future", "start_soon", "_spawn", "watched")
_OF_TASKS = (f"{os.sep}asyncio{os.sep}", f"{os.sep}anyio{os.sep}")


class _Inside(threading.local):
    """Whether a task that has been noted is being made in this thread: one such function calls another."""

    noting = False


_inside = _Inside()
_lock = threading.Lock()
_running: Counter[int] = Counter()  # by turn
_told: dict[int, Tell] = {}  # turns that have ended -> what is done when nothing of them runs
_failed: dict[int, BaseException] = {}  # what was raised since, and nobody waited for, by turn


def ignore(_error: BaseException, _name: str) -> None:
    """Do nothing with what ended a task or a thread."""


def install(report: Report = ignore) -> None:
    """Start watching, in this process.

    Args:
        report: is given what ended a thread or a task that no turn began, and the name of the function that it ran.
    """
    _watch_threads(report)
    for name in ("create_task", "ensure_future"):
        setattr(asyncio, name, _watch(getattr(asyncio, name), report))
    loop = asyncio.BaseEventLoop
    loop.create_task = _watch(loop.create_task, report)  # type: ignore[method-assign]


def tell_when_done(turn: int, tell: Tell) -> bool:
    """Let something be done when nothing of a turn runs any more; whether something does now.

    Args:
        tell: is given what was raised by then, and nobody waited for.
    """
    with _lock:
        if not _running[turn]:
            del _running[turn]
            return False
        _told[turn] = tell
        return True


def begin(turn: int) -> None:
    """Count something as running that a turn has begun."""
    with _lock:
        _running[turn] += 1


def take_failed(turn: int) -> BaseException | None:
    """Return what a thread of a turn has raised so far, once; None if nothing was."""
    with _lock:
        return _failed.pop(turn, None)


def end(turn: int, raised: Callable[[], BaseException | None] = lambda: None, *, unheard: bool = False) -> None:
    """Something that was counted has ended.

    Args:
        raised: what it raised, asked for only where the turn has ended: until then the app may ask for it itself.
        unheard: it may not, as of a thread: what that raises is told to nobody.
    """
    with _lock:
        ended = unheard or turn in _told
    error = raised() if ended else None
    with _lock:
        if error is not None:
            _failed[turn] = error
        _running[turn] -= 1
        if _running[turn]:
            return
        del _running[turn]
        tell = _told.pop(turn, None)
        failed = _failed.pop(turn, None) if tell is not None else None
    if tell is not None:
        tell(failed)


def end_future(turn: int, future: Any) -> None:
    """Count a future, of asyncio or of a pool, as ended; to be called when it is done."""
    end(turn, lambda: None if future.cancelled() else future.exception())


def _turn_of_the_users() -> int | None:
    """The turn in which the user's own code begins something, or 0 for none; None where it is not the user's.

    What begins it for them, as a group of tasks does, is passed over; what waits for it as well, as `gather`, is not.
    """
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - as the recorder does
    while frame is not None and frame.f_code.co_name in _BEGINNERS and _is_of_tasks(frame.f_code.co_filename):
        frame = frame.f_back
    return TURN.get() if frame is not None and RECORDER.relative(frame.f_code.co_filename) else None


def _is_of_tasks(file: str) -> bool:
    return file == __file__ or any(part in file for part in _OF_TASKS)


def _watch_threads(report: Report) -> None:
    start: Any = threading.Thread.start

    @functools.wraps(start)
    def watched(self: threading.Thread) -> None:
        turn = _turn_of_the_users()
        run: Callable[[], None] = self.run
        if turn:
            self.run = functools.partial(_run, turn, run)  # type: ignore[method-assign]
            begin(turn)
        elif turn == 0:
            name = _name(getattr(self, "_target", None) or run)
            self.run = functools.partial(_run_on, report, name, run)  # type: ignore[method-assign]
        try:
            start(self)
        except BaseException:
            if turn:
                end(turn)
            raise

    threading.Thread.start = watched  # type: ignore[method-assign]


def _run(turn: int, run: Callable[[], None]) -> None:
    error: Exception | None = None
    try:
        run()
    except Exception as raised:
        error = raised
        raise
    finally:
        end(turn, lambda: error, unheard=True)


def _run_on(report: Report, name: str, run: Callable[[], None]) -> None:
    try:
        run()
    except Exception as raised:
        report(raised, name)
        raise


def _end_task(report: Report, task: asyncio.Task[Any]) -> None:
    """Tell what ended a task, and leave it to the app, or to the loop, to ask for it as well."""
    error = None if task.cancelled() else getattr(task, "_exception", None)
    if isinstance(error, Exception):
        coroutine: Any = task.get_coro()
        wrapped = _is_of_tasks(getattr(getattr(coroutine, "cr_code", None), "co_filename", ""))
        report(error, task.get_name().rpartition(".")[2] if wrapped else _name(coroutine))


def _name(work: Any) -> str:
    return str(getattr(work, "__name__", ""))


def _watch(function: Any, report: Report) -> Any:
    """Make a function that notes the task that it returns as running until it is done."""

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        turn = None if _inside.noting else _turn_of_the_users()
        if turn is None:
            return function(*args, **kwargs)
        _inside.noting = True
        try:
            made = function(*args, **kwargs)
        finally:
            _inside.noting = False
        if turn and isinstance(made, asyncio.Future):
            begin(turn)
            made.add_done_callback(functools.partial(end_future, turn))
        elif turn == 0 and isinstance(made, asyncio.Task):
            made.add_done_callback(functools.partial(_end_task, report))
        return made

    return watched
