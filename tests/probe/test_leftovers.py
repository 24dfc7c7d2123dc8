"""What a turn leaves running behind its answer: the lab is told when the last of it has ended."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING

import pytest

from statecheck.probe import leftovers
from statecheck.probe.recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for thing, name in (
        (threading.Thread, "start"),
        (asyncio, "create_task"),
        (asyncio, "ensure_future"),
    ):
        monkeypatch.setattr(thing, name, getattr(thing, name))
    monkeypatch.setattr(RECORDER, "relative", lambda file: file if file == __file__ else "")
    leftovers.install()


def in_turn(turn: int, work: Callable[[], None]) -> None:
    def serve() -> None:
        TURN.set(turn)
        work()

    copy_context().run(serve)


def test_a_turn_that_begins_nothing_has_nothing_left() -> None:
    assert not leftovers.tell_when_done(1, lambda: None)


def test_the_end_of_a_thread_is_told() -> None:
    may_end, told = threading.Event(), threading.Event()
    in_turn(2, lambda: threading.Thread(target=may_end.wait).start())

    assert leftovers.tell_when_done(2, told.set)
    assert not told.is_set()
    may_end.set()
    assert told.wait(20)
    assert not leftovers.tell_when_done(2, told.set)


def test_the_end_of_a_task_is_told() -> None:
    told: list[str] = []

    async def serve() -> None:
        TURN.set(3)
        may_end = asyncio.Event()
        task = asyncio.create_task(may_end.wait())
        assert leftovers.tell_when_done(3, lambda: told.append("done"))
        may_end.set()
        await task
        await asyncio.sleep(0)

    asyncio.run(serve())

    assert told == ["done"]


def test_what_a_library_begins_is_its_own_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RECORDER, "relative", lambda _: "")
    may_end = threading.Event()
    in_turn(4, threading.Thread(target=may_end.wait).start)

    assert not leftovers.tell_when_done(4, lambda: None)
    may_end.set()
