"""Work in a pool of threads belongs to the turn that handed it on, and to no other afterwards."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING

from statecheck.probe import executors
from statecheck.probe.recorder import TURN

if TYPE_CHECKING:
    import pytest

OWN: ContextVar[str] = ContextVar("own", default="lost")


def seen() -> tuple[int, str]:
    return TURN.get(), OWN.get()


async def turn(number: int) -> tuple[int, str]:
    TURN.set(number)
    OWN.set("kept")
    return await asyncio.get_running_loop().run_in_executor(None, seen)


def test_a_pool_carries_the_turn_and_nothing_of_the_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)  # put back by the end
    executors.install()

    async def both() -> list[tuple[int, str]]:
        return [*await asyncio.gather(turn(1), turn(2))]

    assert asyncio.run(both()) == [(1, "lost"), (2, "lost")]
    with ThreadPoolExecutor(1) as pool:
        context = copy_context()
        context.run(TURN.set, 3)
        assert context.run(pool.submit, seen).result() == (3, "lost")
        assert pool.submit(seen).result() == (0, "lost")


def test_a_turn_lasts_as_long_as_the_work_that_it_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)  # put back by the end
    executors.install()
    go, ended = threading.Event(), threading.Event()
    told: list[tuple[int, BaseException | None]] = []

    def end(error: BaseException | None) -> None:
        told.append((TURN.get(), error))
        ended.set()

    def work() -> None:
        go.wait()
        raise ValueError("not saved")

    def answer(pool: ThreadPoolExecutor) -> None:
        TURN.set(5)
        pool.submit(work)
        executors.after_work(5, end)

    with ThreadPoolExecutor(1) as pool:
        copy_context().run(answer, pool)
        assert told == []
        go.set()
        assert ended.wait(10)

    assert [(number, str(error)) for number, error in told] == [(5, "not saved")]


def test_a_turn_that_handed_nothing_on_ends_at_once() -> None:
    told: list[BaseException | None] = []

    executors.after_work(6, told.append)

    assert told == [None]
