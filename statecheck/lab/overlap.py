"""Turns sent at once: held at the model until all have arrived, let go together, and waited for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from statecheck.judge.checks.lost_update import meets_another_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statecheck.lab.workers.worker import Worker

_MOST_ROUNDS = 4  # model calls of a turn at which all are held: a guard's, a router's, a tool's, the answer's
_FIRST_SECONDS = 2.0  # until anything arrives or ends: an app may do much before it asks its model
_STILL_SECONDS = 1.0  # without an end of any turn, before the record is asked whether one can still come
_PATIENT = 10  # quiet times
_LEAST_PATIENCE = 5.0  # seconds with a turn that goes on when all others have ended; SQLite waits as long for a lock


def send_at_once(
    turns: Sequence[Callable[[], object]],
    workers: Sequence[Worker],
    hold: str,
    quiet: float,
    seconds: float,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[int, list[int]]:
    """Take turns at once.

    Args:
        turns: each takes one and returns when it has ended.
        hold: at what they are held, `model` or `reads`.
        quiet: for how long nothing new arrives before they are let go; the last is waited for some times longer.
        seconds: the longest that a worker may take to answer.
        meanwhile: called while they are held first.

    Returns:
        How many were held at the same time, and the positions of those that hang: they are left behind, in flight.
    """
    before = [worker.held for worker in workers]
    for worker in workers:
        worker.ask({"hold": hold}, seconds)
    most = 0
    pool = ThreadPoolExecutor(len(turns))
    try:
        futures = [pool.submit(turn) for turn in turns]
        try:
            for number in range(_MOST_ROUNDS if hold == "model" else 1):
                held = _wait_for_arrivals(futures, workers, before, quiet)
                most = max(most, held)
                if not number:
                    meanwhile()
                if held < 2:  # what takes turns one by one has no overlap to force
                    break
                before = [worker.held for worker in workers]
                for worker in workers:
                    worker.tell({"next-round": True})
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


def _wait_for_arrivals(
    futures: Sequence[Future[object]], workers: Sequence[Worker], before: list[int], quiet: float
) -> int:
    """Wait until all turns are held or ended, or nothing new has arrived for a quiet time; return how many are held."""
    bell = threading.Event()
    done = sum(len(worker.done) for worker in workers)
    arrived, held, last = 0, 0, time.monotonic()
    while time.monotonic() - last < (quiet if arrived else max(quiet, _FIRST_SECONDS)):
        held = sum(worker.held - earlier for worker, earlier in zip(workers, before, strict=True))
        ended = sum(len(worker.done) for worker in workers) - done
        if held + ended != arrived:
            arrived, last = held + ended, time.monotonic()
        if held >= sum(not future.done() for future in futures):
            break
        bell.wait(quiet / 20)
    return held


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
