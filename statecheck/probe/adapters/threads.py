"""Threads that take turns: the main one first, as in a script, others only while all are busy; each has an event loop.

Turns that do not overlap so share one thread and one loop, to which what the app keeps may be bound.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], Callable[[], None]]
"""Does the work, and gives back what tells of its end: the thread can be given the next job by then."""


class Threads:
    """A pool that grows as it must, but not beyond `most`."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._all: list[SimpleQueue[Job]] = []
        self._idle: list[SimpleQueue[Job]] = []
        self._lock = threading.Lock()

    def give(self, job: Job) -> None:
        """Have a job done by a thread that is idle, by a new one, or, if there may be none, by the first that can."""
        with self._lock:
            full = self._most is not None and len(self._all) >= self._most
            jobs = self._idle.pop() if self._idle else self._all[0] if full else self._new()
        jobs.put(job)

    def _new(self) -> SimpleQueue[Job]:
        jobs: SimpleQueue[Job] = SimpleQueue()
        self._all.append(jobs)
        threading.Thread(target=self._work, args=(jobs,), daemon=True).start()
        return jobs

    def work(self, ready: Callable[[], None]) -> None:
        """Be one of the threads, for good; `ready` is called when this one can be given jobs."""
        jobs: SimpleQueue[Job] = SimpleQueue()
        with self._lock:
            self._all.append(jobs)
            self._idle.append(jobs)
        ready()
        self._work(jobs)

    def _work(self, jobs: SimpleQueue[Job]) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        while True:
            end = jobs.get()()
            with self._lock:
                if jobs not in self._idle:
                    self._idle.append(jobs)
            end()
