"""Apps diagnosed beside each other: all of them, and one that takes its process along costs no other."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.scenarios.sides import Lost, work_side_by_side

if TYPE_CHECKING:
    import pytest


def work(task: str) -> str:
    if task == "killed":
        os.write(2, b"no memory is left\n")
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exits":
        os._exit(7)
    return task.upper()


def test_each_is_done_and_a_lost_one_says_how() -> None:
    tasks = ["a", "killed", "b", "exits", "killed", "c", "d"]
    done = list(work_side_by_side(tasks, work))

    assert sorted(task for task, _ in done) == sorted(tasks)
    results = [(task, result) for task, result in done if not isinstance(result, Lost)]
    assert sorted(results) == [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
    lost = [result for _, result in done if isinstance(result, Lost)]
    assert sorted((one.how, one.said) for one in lost) == [
        ("ended with status 7", ""),
        ("was killed by SIGKILL", "no memory is left"),
        ("was killed by SIGKILL", "no memory is left"),
    ]


def test_no_semaphore_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none where nothing is mounted at `/dev/shm`."""
    monkeypatch.setitem(sys.modules, "multiprocess.synchronize", None)

    assert dict(work_side_by_side(["a", "b", "c"], work)) == {"a": "A", "b": "B", "c": "C"}


def test_nothing_is_left_when_nobody_asks_on() -> None:
    before = _count_descriptors()
    going = work_side_by_side(["a", "b", "c"], work)
    next(going)
    going.close()  # type: ignore[attr-defined]

    assert _count_descriptors() == before


def _count_descriptors() -> int:
    own = Path("/proc/self/fd")
    return len([*own.iterdir()]) if own.is_dir() else 0
