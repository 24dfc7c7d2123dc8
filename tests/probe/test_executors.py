"""Work in a pool of threads belongs to the turn that handed it on, and to no other afterwards."""

from __future__ import annotations

import asyncio
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
