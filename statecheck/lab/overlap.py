"""Turns sent at once: held at the model until all have arrived, let go together or in turn, and waited for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from statecheck.judge.checks.lost_update import meets_another_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statecheck.lab.workers.worker import Worker
    from statecheck.probe.barrier import States

_MOST_ROUNDS = 8  # places of a turn at which all are held: calls of a guard, a router and the answer, reads, writes
_FIRST_SECONDS = 2.0  # until anything arrives or ends: an app may do much before it asks its model
_STILL_SECONDS = 1.0  # without an end of any turn, before the record is asked whether one can still come
_PATIENT = 10  # quiet times
_LEAST_PATIENCE = 5.0  # seconds with a turn that goes on when all others have ended; SQLite waits as long for a lock
_AT_WORK = 0.1  # of the time: a worker that uses less of a core waits, and has only answered this question
_LONGEST_WORK = 10  # quiet times; who is never done is waited for no longer
_HELD = 0.5  # of the longest that an answer may take: a turn that is held has to be answered yet


def send_at_once(
    turns: Sequence[Callable[[], object]],
    workers: Sequence[Worker],
    hold: str,
    quiet: float,
    seconds: float,
    *,
    mixed: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[int, list[int]]:
    """Take turns at once.

    Args:
        turns: each takes one and returns when it has ended.
        hold: at what they are held, `model` or `reads`.
        quiet: for how long nothing new arrives before they are let go; the last is waited for some times longer.
        seconds: the longest that a worker may take to answer.
        mixed: they are of several sessions, and are held after what they read outside the process too. What came first
            is let go last, each time: so it meets all that the others have left, and nothing depends on luck.
        meanwhile: called while they are held first.

    Returns:
        How many were held at the same time, and the positions of those that hang: they are left behind, in flight.
    """
    states: States = "" if len(turns) == 1 else "used" if mixed else "written"
    overlap = _Overlap(workers, quiet, time.monotonic() + _HELD * seconds, in_turn=mixed)
    for worker in workers:
        worker.ask({"hold": hold, "states": states, "alone": len(workers) == 1}, seconds)
    pool = ThreadPoolExecutor(len(turns))
    try:
        try:
            most = overlap.hold(pool, turns, meanwhile)
        finally:
            for worker in workers:
                worker.let_go(for_good=True)
        return most, overlap.finish(max(_PATIENT * quiet, _LEAST_PATIENCE))
    finally:
        pool.shutdown(wait=False)


class _Overlap:
    """Turns that are under way at once: begun, held where they meet, let go, and waited for."""

    def __init__(self, workers: Sequence[Worker], quiet: float, until: float, *, in_turn: bool) -> None:
        """Watch those who take them.

        Args:
            workers: they take the turns.
            quiet: seconds without anything new, after which nothing more is expected.
            until: the time (of `time.monotonic`) after which none is held any longer.
            in_turn: each is sent when those before it are held, and let go when those after it have gone their way.
        """
        self._workers, self._quiet, self._until, self._in_turn = workers, quiet, until, in_turn
        self._futures: list[Future[object]] = []

    def hold(
        self, pool: ThreadPoolExecutor, turns: Sequence[Callable[[], object]], meanwhile: Callable[[], None]
    ) -> int:
        """Send the turns, and hold them at one place after the other; return how many were held at the same time."""
        most, models_only = 0, False
        before = self._marks()
        for turn in turns:
            if self._in_turn and self._futures:
                self._wait_for_arrivals(before)
            self._futures.append(pool.submit(turn))
        for number in range(_MOST_ROUNDS):
            held = self._wait_for_arrivals(before)
            most = max(most, held)
            if not number:
                meanwhile()
            aside = sum(now.aside - then.aside for now, then in zip(self._marks(), before, strict=True))
            if held < 2 and (models_only or not aside):  # what takes turns one by one has no overlap to force
                break
            if time.monotonic() >= self._until:
                break
            models_only = models_only or held < 2  # one by one at its state: it may yet ask its model for several
            before = self._marks()
            self._let_go(models_only=models_only)
        return most

    def finish(self, patience: float) -> list[int]:
        """Wait for the turns; return the positions of those that hang when the others have long ended.

        Soon, where a turn met the event loop of another thread: who waits for that is not woken. One that is left too
        early is in flight, and so counts for nothing.

        Raises:
            Exception: whatever a turn raised.
        """
        left, last = set(self._futures), time.monotonic()
        while left:
            ended, left = wait(left, _STILL_SECONDS)
            if ended:
                last = time.monotonic()
            elif len(left) < len(self._futures) and (
                time.monotonic() - last > patience or any(meets_another_loop(worker.ops()) for worker in self._workers)
            ):
                break
        for future in self._futures:
            if future not in left:
                future.result()
        return [number for number, future in enumerate(self._futures) if future in left]

    def _marks(self) -> list[_Mark]:
        return [_Mark(worker.held, worker.held_aside) for worker in self._workers]

    def _let_go(self, *, models_only: bool) -> None:
        """Let what is held go as far as it gets, all at once or one after the other: then what came first is the last.

        What that has put somewhere for all is by then another's, and so it writes what it has to say where that is.
        """
        for worker in self._workers:
            if not self._in_turn:
                worker.let_go(models_only=models_only)
                continue
            for turn in reversed(worker.list_held()):
                before, staying = self._marks(), sum(len(each.list_held()) for each in self._workers) - 1
                worker.let_go(turn, models_only=models_only)
                self._wait_for_arrivals(before, staying)

    def _wait_for_arrivals(self, before: Sequence[_Mark], staying: int = 0) -> int:
        """Wait until all turns are held or ended, or nothing new arrives for a quiet time.

        Not beyond the time until which they may be held: where turns are slow, several quiet times are more than an
        answer may take. What a worker needs for its work is no quiet time, so that a busy machine only takes longer.
        When all turns have ended, a task that one of them left behind may yet arrive.

        Args:
            before: how many had been held when the wait began to count.
            staying: how many are held all the time, and are not counted.

        Returns:
            How many are held.
        """
        bell = threading.Event()
        done = sum(len(worker.done) for worker in self._workers)
        watch = _Watch(self._workers)
        arrived, last, still = 0, time.monotonic(), 0.0
        while True:
            held = sum(now.held - then.held for now, then in zip(self._marks(), before, strict=True))
            ended = sum(len(worker.done) for worker in self._workers) - done
            if held + ended != arrived:
                arrived, last, still = held + ended, time.monotonic(), 0.0
            going_on = sum(not future.done() for future in self._futures) - staying
            longest = self._quiet if arrived else max(self._quiet, _FIRST_SECONDS)
            if (held >= going_on and (held or still)) or still >= longest:
                return held
            if time.monotonic() > min(last + _LONGEST_WORK * longest, self._until):
                return held
            began = time.monotonic()
            bell.wait(max(0.0, min(self._quiet / 20, self._until - began)))
            still += 0.0 if watch.are_at_work(self._quiet) else time.monotonic() - began


class _Mark(NamedTuple):
    """How many turns a worker had held, at the model and aside, at some time."""

    held: int
    aside: int


def wait_until_still(worker: Worker, quiet: float, seconds: float) -> None:
    """Wait until a worker has done nothing for a quiet time, so that what it began at its start is done, or waits."""
    bell, watch, still = threading.Event(), _Watch([worker]), 0.0
    until = time.monotonic() + seconds
    while still < quiet and time.monotonic() < until:
        began = time.monotonic()
        bell.wait(quiet / 20)
        still = 0.0 if watch.are_at_work(quiet) else still + time.monotonic() - began


class _Watch:
    """Tells whether workers are at work, by what they have used of the processor since they were asked before."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._used = {worker.generation: (time.monotonic(), 0.0) for worker in workers}

    def are_at_work(self, seconds: float) -> bool:
        """Whether one of them is; one that does not answer is."""
        return bool(sum(self._is_at_work(worker, seconds) for worker in self._workers))  # each is asked

    def _is_at_work(self, worker: Worker, seconds: float) -> bool:
        if worker.dead:
            return False
        reply = worker.ask({"work": True}, seconds)
        if reply is None or "work" not in reply:
            return not worker.dead
        now, (then, before) = time.monotonic(), self._used[worker.generation]
        used = float(reply["work"])
        self._used[worker.generation] = now, used
        return used - before > _AT_WORK * (now - then)
