"""What a turn leaves running behind its answer: the lab is told when the last of it has ended."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from statecheck.probe import executors, leftovers
from statecheck.probe.channel import Channel
from statecheck.probe.recorder import RECORDER, TURN
from statecheck.probe.turns import finish_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for thing, name in (
        (threading.Thread, "start"),
        (asyncio, "create_task"),
        (asyncio, "ensure_future"),
        (asyncio.BaseEventLoop, "create_task"),
        (ThreadPoolExecutor, "submit"),
    ):
        monkeypatch.setattr(thing, name, getattr(thing, name))
    monkeypatch.setattr(RECORDER, "relative", lambda file: file if file == __file__ else "")
    leftovers.install()
    executors.install()


def in_turn(turn: int, work: Callable[[], object]) -> None:
    def serve() -> None:
        TURN.set(turn)
        work()

    copy_context().run(serve)


def test_a_turn_that_begins_nothing_has_nothing_left() -> None:
    assert not leftovers.tell_when_done(1, lambda _: None)


def test_the_end_of_a_thread_is_told() -> None:
    may_end, told = threading.Event(), threading.Event()
    in_turn(2, lambda: threading.Thread(target=may_end.wait).start())

    assert leftovers.tell_when_done(2, lambda _: told.set())
    assert not told.is_set()
    may_end.set()
    assert told.wait(20)
    assert not leftovers.tell_when_done(2, lambda _: told.set())


def test_the_end_of_a_task_is_told() -> None:
    told: list[str] = []

    async def serve() -> None:
        TURN.set(3)
        may_end = asyncio.Event()
        task = asyncio.create_task(may_end.wait())
        assert leftovers.tell_when_done(3, lambda _: told.append("done"))
        may_end.set()
        await task
        await asyncio.sleep(0)

    asyncio.run(serve())

    assert told == ["done"]


async def by_the_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.wait([asyncio.get_running_loop().create_task(work())])


async def by_a_group_of_asyncio(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]  # from 3.11 on
        group.create_task(work())


async def by_a_group_of_anyio(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(work)


async def by_gather(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(work(), return_exceptions=True)


@pytest.mark.parametrize(
    ("begin", "seen"),
    [
        (by_the_loop, ["save: not saved"]),
        pytest.param(
            by_a_group_of_asyncio,
            ["save: not saved"],
            marks=pytest.mark.skipif(not hasattr(asyncio, "TaskGroup"), reason="Python 3.11 brought it"),
        ),
        (by_a_group_of_anyio, ["save: not saved"]),
        (by_gather, []),  # somebody waits for it, and knows
    ],
)
def test_what_ends_a_task_outside_of_turns_is_told_whoever_makes_it(
    begin: Callable[..., Coroutine[Any, Any, None]], seen: list[str]
) -> None:
    told: list[str] = []
    leftovers.install(lambda error, name: told.append(f"{name}: {error}"))

    async def save() -> None:
        raise ValueError("not saved")

    async def serve() -> None:
        with suppress(Exception):
            await begin(save)

    asyncio.run(serve())

    assert told == seen


def fail_in_a_thread() -> None:
    def save() -> None:
        raise ValueError("not saved")

    thread = threading.Thread(target=save)
    thread.start()
    thread.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_thread_raises_before_its_turn_has_ended_is_told_at_its_end() -> None:
    in_turn(7, fail_in_a_thread)

    assert str(leftovers.take_failed(7)) == "not saved"
    assert leftovers.take_failed(7) is None
    assert not leftovers.tell_when_done(7, lambda _: None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_thread_raises_is_not_what_the_call_raised() -> None:
    ours, theirs = socket.socketpair()

    def serve() -> None:
        fail_in_a_thread()
        finish_turn(Channel(ours), 7, None)

    with ours, theirs:
        in_turn(7, serve)

        assert json.loads(theirs.recv(1 << 16).splitlines()[0])["error"] == ""


def test_what_a_library_begins_is_its_own_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RECORDER, "relative", lambda _: "")
    may_end = threading.Event()
    in_turn(4, threading.Thread(target=may_end.wait).start)

    assert not leftovers.tell_when_done(4, lambda _: None)
    may_end.set()


def test_what_a_pool_was_handed_is_waited_for_and_tells_what_it_raised() -> None:
    may_end, ended = threading.Event(), threading.Event()
    told: list[BaseException | None] = []

    def tell(error: BaseException | None) -> None:
        told.append(error)
        ended.set()

    def work() -> None:
        may_end.wait()
        raise ValueError("not saved")

    with ThreadPoolExecutor(1) as pool:
        in_turn(5, lambda: pool.submit(work))
        assert leftovers.tell_when_done(5, tell)
        assert told == []
        may_end.set()
        assert ended.wait(20)

    assert [str(error) for error in told] == ["not saved"]


def test_what_is_raised_while_a_turn_lasts_is_for_the_app_to_see() -> None:
    may_end, ended = threading.Event(), threading.Event()
    told: list[BaseException | None] = []

    def tell(error: BaseException | None) -> None:
        told.append(error)
        ended.set()

    def fail() -> None:
        raise ValueError("seen")

    with ThreadPoolExecutor(2) as pool:
        in_turn(6, lambda: pool.submit(fail).exception())
        in_turn(6, lambda: pool.submit(may_end.wait))
        assert leftovers.tell_when_done(6, tell)
        may_end.set()
        assert ended.wait(20)

    assert told == [None]


def test_what_ends_a_task_that_no_turn_began_is_told_with_its_name() -> None:
    told: list[tuple[str, str]] = []
    leftovers.install(lambda error, name: told.append((str(error), name)))

    async def consume() -> None:
        raise TypeError("not serializable")

    async def serve() -> None:
        tasks = [asyncio.create_task(consume()), asyncio.create_task(asyncio.sleep(0))]
        await asyncio.wait(tasks)

    asyncio.run(serve())

    assert told == [("not serializable", "consume")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_ends_a_thread_that_no_turn_began_is_told() -> None:
    told: list[tuple[str, str]] = []
    leftovers.install(lambda error, name: told.append((str(error), name)))

    def write_all() -> None:
        raise OSError("no room")

    thread = threading.Thread(target=write_all)
    thread.start()
    thread.join()

    assert told == [("no room", "write_all")]
