"""Processes that diagnose apps beside each other; what one of them dies of costs the app alone that it was at.

They talk over pipes: a pool of `multiprocessing` wants semaphores, which a machine without `/dev/shm` does not have.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from statecheck.lab.workers.launch import describe_status
from statecheck.lab.workers.op_file import anonymous_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Task = TypeVar("Task")
Result = TypeVar("Result")

_SIDE_BY_SIDE = 2
_MOST_SAID = 4000  # bytes of what a side said on its standard error


@dataclass(frozen=True)
class Lost:
    """What is known of a side that died: how, and what it said last."""

    how: str
    said: str


@dataclass(frozen=True)
class _Side:
    process: Any  # of `multiprocess`, which ships no types
    pipe: Any
    errors: int

    def lost(self) -> Lost:
        self.process.join()
        size = os.fstat(self.errors).st_size
        said = os.pread(self.errors, _MOST_SAID, max(size - _MOST_SAID, 0))
        return Lost(describe_status(self.process.exitcode), said.decode("utf-8", "replace").strip())

    def end(self) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()
        os.close(self.errors)


def work_side_by_side(tasks: Iterable[Task], work: Callable[[Task], Result]) -> Iterator[tuple[Task, Result | Lost]]:
    """Yield each task with what work made of it, or with what its side died of, as they come.

    `multiprocess` gives each side a process whose main thread starts its own lab.
    """
    import multiprocess
    from multiprocess.connection import wait

    context = multiprocess.get_context("fork")
    waiting = deque(tasks)
    busy: dict[Any, tuple[_Side, Task]] = {}
    with contextlib.ExitStack() as sides:

        def begin(side: _Side) -> None:
            if waiting:
                task = waiting.popleft()
                busy[side.pipe] = side, task
                with contextlib.suppress(OSError):  # it is dead, which its pipe tells
                    side.pipe.send(task)

        def start() -> None:
            side = _start(context, work)
            sides.callback(side.end)
            begin(side)

        for _ in range(min(_SIDE_BY_SIDE, len(waiting))):
            start()
        while busy:
            for pipe in wait([*busy]):
                side, task = busy.pop(pipe)
                try:
                    result = pipe.recv()
                except (EOFError, OSError):
                    yield task, side.lost()
                    if waiting:
                        start()
                else:
                    begin(side)
                    yield task, result


def _start(context: Any, work: Callable[[Any], object]) -> _Side:
    ours, theirs = context.Pipe()
    errors = anonymous_file()
    process = context.Process(target=_serve, args=(theirs, ours, errors, work, os.getpid()), daemon=False)
    process.start()
    theirs.close()
    return _Side(process, ours, errors)


def _serve(pipe: Any, other: Any, errors: int, work: Callable[[Any], object], parent: int) -> None:
    other.close()
    os.dup2(errors, 2)
    _die_with_parent(parent)
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(work(pipe.recv()))


def _die_with_parent(parent: int) -> None:
    """A side must not outlive the command: its lab dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)
