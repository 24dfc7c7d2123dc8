"""Turns sent at once: held at the model until all have arrived, let go together or in turn, and waited for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

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
    most, models_only, alone = 0, False, len(workers) == 1
    until = time.monotonic() + _HELD * seconds
    marks = [(worker.held, worker.held_aside) for worker in workers]
    for worker in workers:
        worker.ask({"hold": hold, "states": states, "alone": alone}, seconds)
    pool = ThreadPoolExecutor(len(turns))
    try:
        try:
            futures = _begin(pool, turns, workers, quiet, until, in_turn=mixed)
            for number in range(_MOST_ROUNDS):
                held = _wait_for_arrivals(futures, workers, [held for held, _ in marks], quiet, until)
                most = max(most, held)
                if not number:
                    meanwhile()
                aside = sum(worker.held_aside - earlier for worker, (_, earlier) in zip(workers, marks, strict=True))
                if held < 2 and (models_only or not aside):  # what takes turns one by one has no overlap to force
                    break
                if time.monotonic() >= until:
                    break
                models_only = models_only or held < 2  # one by one at its state: it may yet ask its model for several
                marks = [(worker.held, worker.held_aside) for worker in workers]
                _let_go(futures, workers, quiet, until, in_turn=mixed, models_only=models_only)
        finally:
            for worker in workers:
                worker.tell({"release": True})
        left = _left(futures, workers, max(_PATIENT * quiet, _LEAST_PATIENCE))
        for future in futures:
            if future not in left:
                future.result()
    finally:
        pool.shutdown(wait=False)
    return most, [number for number, future in enumerate(futures) if future in left]


def _begin(
    pool: ThreadPoolExecutor,
    turns: Sequence[Callable[[], object]],
    workers: Sequence[Worker],
    quiet: float,
    until: float,
    *,
    in_turn: bool,
) -> list[Future[object]]:
    """Send turns, all at once or each when those before it are held."""
    before = [worker.held for worker in workers]
    futures: list[Future[object]] = []
    for turn in turns:
        if in_turn and futures:
            _wait_for_arrivals(futures, workers, before, quiet, until)
        futures.append(pool.submit(turn))
    return futures


def _let_go(
    futures: Sequence[Future[object]],
    workers: Sequence[Worker],
    quiet: float,
    until: float,
    *,
    in_turn: bool,
    models_only: bool,
) -> None:
    """Let what is held go as far as it gets, all at once or one after the other: then what came first is the last.

    What that has put somewhere for all is by then another's, and so it writes what it has to say where that is.
    """
    for worker in workers:
        if not in_turn:
            worker.tell({"next-round": True, "turn": 0, "models-only": models_only})
            continue
        for turn in reversed([turn for turn, is_held in worker.arrivals.items() if is_held]):
            worker.arrivals[turn] = False
            staying = sum(sum(list(each.arrivals.values())) for each in workers)
            before = [each.held for each in workers]
            worker.tell({"next-round": True, "turn": turn, "models-only": models_only})
            _wait_for_arrivals(futures, workers, before, quiet, until, staying)


def _wait_for_arrivals(
    futures: Sequence[Future[object]],
    workers: Sequence[Worker],
    before: list[int],
    quiet: float,
    until: float,
    staying: int = 0,
) -> int:
    """Wait until all turns are held or ended, or nothing new arrives for a quiet time; return how many are held.

    Those that are `staying` are held all the time, and are not counted.

    Not beyond `until`: where turns are slow, several quiet times are more than an answer may take.

    What a worker needs for its work is no quiet time, so that a busy machine only takes longer. When all turns have
    ended, a task that one of them left behind may yet arrive.
    """
    bell = threading.Event()
    done = sum(len(worker.done) for worker in workers)
    watch = _Watch(workers)
    arrived, last, still = 0, time.monotonic(), 0.0
    while True:
        held = sum(worker.held - earlier for worker, earlier in zip(workers, before, strict=True))
        ended = sum(len(worker.done) for worker in workers) - done
        if held + ended != arrived:
            arrived, last, still = held + ended, time.monotonic(), 0.0
        going_on = sum(not future.done() for future in futures) - staying
        longest = quiet if arrived else max(quiet, _FIRST_SECONDS)
        if (held >= going_on and (held or still)) or still >= longest:
            return held
        if time.monotonic() > min(last + _LONGEST_WORK * longest, until):
            return held
        began = time.monotonic()
        bell.wait(max(0.0, min(quiet / 20, until - began)))
        still += 0.0 if watch.are_at_work(quiet) else time.monotonic() - began


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


def _left(futures: Sequence[Future[object]], workers: Sequence[Worker], patience: float) -> set[Future[object]]:
    """Wait for the turns; return those that hang when the others have long ended.

    Soon, where a turn met the event loop of another thread: who waits for that is not woken. One that is left too early
    is in flight, and so counts for nothing.
    """
    left, last = set(futures), time.monotonic()
    while left:
        ended, left = wait(left, _STILL_SECONDS)
        if ended:
            last = time.monotonic()
        elif len(left) < len(futures) and (
            time.monotonic() - last > patience or any(meets_another_loop(worker.ops()) for worker in workers)
        ):
            break
    return left
