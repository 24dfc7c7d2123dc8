"""The barrier: turns that overlap are held until it opens for good, in threads, tasks or both."""

from __future__ import annotations

import asyncio
import queue
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING

import pytest

from statecheck.probe.barrier import Barrier
from statecheck.probe.recorder import TURN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.probe.barrier import States


class Watched(Barrier):
    """A barrier whose arrivals can be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.came: queue.Queue[int] = queue.Queue()
        self.arrived = lambda turn, _place: self.came.put(turn)

    def wait(self, number: int) -> set[int]:
        return {self.came.get(timeout=20) for _ in range(number)}


@pytest.fixture
def barrier() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.open()


class Turns:
    """Turns in threads of their own, each held once or more."""

    def __init__(self, barrier: Barrier) -> None:
        self.barrier = barrier
        self.passed: list[int] = []
        self.threads: list[threading.Thread] = []

    def thread(self, turn: int, times: int = 1) -> None:
        def serve() -> None:
            TURN.set(turn)
            for _ in range(times):
                self.barrier.hold()
            self.passed.append(turn)

        self._start(serve)

    def tasks(self, *turns: int) -> None:
        async def serve(turn: int) -> None:
            TURN.set(turn)
            await self.barrier.ahold()
            self.passed.append(turn)

        async def all_of_them() -> None:
            await asyncio.gather(*map(serve, turns))

        self._start(lambda: asyncio.run(all_of_them()))

    def _start(self, work: object) -> None:
        thread = threading.Thread(target=copy_context().run, args=(work,))
        thread.start()
        self.threads.append(thread)

    def end(self) -> set[int]:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        return set(self.passed)


def test_it_is_open_until_it_is_closed(barrier: Watched) -> None:
    turns = Turns(barrier)
    turns.thread(1)
    turns.tasks(2)

    assert {1, 2} == turns.end()
    assert barrier.came.empty()


def test_threads_are_held_until_it_opens(barrier: Watched) -> None:
    barrier.close(at_reads=False)
    turns = Turns(barrier)
    for turn in range(1, 9):
        turns.thread(turn)

    assert set(range(1, 9)) == barrier.wait(8)
    assert turns.passed == []
    barrier.open()
    assert set(range(1, 9)) == turns.end()


@pytest.mark.parametrize("how", ["threads", "tasks"])
def test_one_turn_goes_on_alone(barrier: Watched, how: str) -> None:
    barrier.close(at_reads=False)
    turns = Turns(barrier)
    if how == "tasks":
        turns.tasks(1, 2)
    else:
        turns.thread(1)
        turns.thread(2, times=2)
    assert barrier.wait(2) == {1, 2}

    barrier.begin_round(2)

    assert barrier.wait(how == "threads") == ({2} if how == "threads" else set())  # at its second place
    assert 1 not in turns.passed
    barrier.open()
    assert turns.end() == {1, 2}


def test_tasks_of_one_loop_are_all_held_at_once(barrier: Watched) -> None:
    barrier.close(at_reads=False)
    turns = Turns(barrier)
    turns.tasks(*range(1, 9))

    assert set(range(1, 9)) == barrier.wait(8)
    assert turns.passed == []
    barrier.open()
    assert set(range(1, 9)) == turns.end()


def test_threads_and_tasks_of_several_loops(barrier: Watched) -> None:
    barrier.close(at_reads=False)
    turns = Turns(barrier)
    turns.thread(1)
    turns.tasks(2, 3)
    turns.tasks(4)

    assert {1, 2, 3, 4} == barrier.wait(4)
    barrier.open()
    assert {1, 2, 3, 4} == turns.end()


def test_a_turn_is_held_once_and_what_comes_later_passes(barrier: Watched) -> None:
    barrier.close(at_reads=False)
    turns = Turns(barrier)
    turns.thread(1, times=3)
    barrier.wait(1)
    barrier.open()
    turns.end()
    turns.thread(2, times=2)
    turns.tasks(3)

    assert {1, 2, 3} == turns.end()
    assert barrier.came.empty()


def test_what_belongs_to_no_turn_is_never_held(barrier: Watched) -> None:
    barrier.close(at_reads=False)
    turns = Turns(barrier)
    turns.thread(0)
    turns.tasks(0)

    assert {0} == turns.end()


def test_reads_hold_only_where_turns_call_no_model(barrier: Watched) -> None:
    def read() -> None:
        TURN.set(1)
        barrier.hold_read()

    barrier.close(at_reads=False)
    copy_context().run(read)
    assert barrier.came.empty()

    barrier.close(at_reads=True)
    held = threading.Thread(target=copy_context().run, args=(read,))
    held.start()
    assert {1} == barrier.wait(1)
    barrier.open()
    held.join(20)
    assert not held.is_alive()


def test_closing_again_holds_again(barrier: Watched) -> None:
    for _ in range(3):
        barrier.close(at_reads=False)
        turns = Turns(barrier)
        turns.thread(1)
        assert {1} == barrier.wait(1)
        barrier.open()
        assert {1} == turns.end()


def test_a_task_that_is_cancelled_while_it_is_held_does_no_harm(barrier: Watched) -> None:
    async def serve() -> None:
        TURN.set(1)
        await barrier.ahold()

    async def cancel() -> None:
        task = asyncio.create_task(serve())
        assert await asyncio.to_thread(barrier.wait, 1) == {1}
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        barrier.open()

    barrier.close(at_reads=False)
    asyncio.run(cancel())
    turns = Turns(barrier)
    turns.tasks(2)

    assert {2} == turns.end()


def test_a_loop_that_is_closed_by_then_does_no_harm(barrier: Watched) -> None:
    async def serve() -> None:
        TURN.set(1)
        await barrier.ahold()

    barrier.close(at_reads=False)
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve())
    while barrier.came.empty():
        loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    turns = Turns(barrier)
    turns.thread(2)
    barrier.wait(2)
    barrier.open()

    assert {2} == turns.end()


def test_a_round_ends_at_the_next_model_call(barrier: Watched) -> None:
    turns = Turns(barrier)
    barrier.close(at_reads=False)
    turns.thread(1, times=2)
    turns.thread(2, times=2)
    assert barrier.wait(2) == {1, 2}  # both at their guard

    barrier.begin_round()

    assert barrier.wait(2) == {1, 2}  # both at their answer
    assert turns.passed == []
    barrier.open()
    assert turns.end() == {1, 2}


def test_a_round_holds_tasks_as_it_does_threads(barrier: Watched) -> None:
    turns = Turns(barrier)
    barrier.close(at_reads=False)
    turns.tasks(1, 2)
    assert barrier.wait(2) == {1, 2}

    barrier.begin_round()

    assert turns.end() == {1, 2}


class Uses:
    """One turn in a thread that uses a state again and again, as it is told."""

    def __init__(self, barrier: Barrier, turn: int, *uses: str) -> None:
        self.done: list[str] = []

        def serve() -> None:
            TURN.set(turn)
            for use in uses:
                name, _, state = use.partition(" ")
                getattr(barrier, name)((state,))
                self.done.append(use)

        self.thread = threading.Thread(target=copy_context().run, args=(serve,))
        self.thread.start()

    def end(self) -> list[str]:
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.done


def test_a_turn_is_held_before_it_writes_what_it_has_read(barrier: Watched) -> None:
    barrier.close(at_reads=False, states="written")
    turns = [Uses(barrier, turn, "note_read file", "hold_before file") for turn in (1, 2)]

    assert barrier.wait(2) == {1, 2}
    assert [turn.done for turn in turns] == [["note_read file"]] * 2
    barrier.begin_round()
    assert [turn.end()[-1] for turn in turns] == ["hold_before file"] * 2


def test_a_turn_is_held_again_before_its_second_write_and_not_before_a_blind_one(barrier: Watched) -> None:
    barrier.close(at_reads=False, states="written")
    turn = Uses(barrier, 1, "hold_before log", "hold_before other", "hold_before log")

    assert barrier.wait(1) == {1}
    assert turn.done == ["hold_before log", "hold_before other"]
    barrier.open()
    turn.end()


def test_a_turn_of_another_session_is_held_after_it_has_read_each_state_once(barrier: Watched) -> None:
    barrier.close(at_reads=False, states="used")
    turn = Uses(barrier, 1, "hold_after users", "hold_after users", "hold_after chats")

    assert barrier.wait(1) == {1}
    barrier.begin_round()
    assert barrier.wait(1) == {1}
    assert turn.done == ["hold_after users"] * 2
    barrier.open()
    turn.end()


@pytest.mark.parametrize("states", ["", "written"])
def test_reads_of_state_hold_only_where_sessions_are_mixed(barrier: Watched, states: States) -> None:
    barrier.close(at_reads=False, states=states)

    assert Uses(barrier, 1, "hold_after users").end() == ["hold_after users"]


def test_what_lets_turns_to_its_state_one_by_one_is_held_at_its_model_alone(barrier: Watched) -> None:
    barrier.close(at_reads=False, states="written")
    barrier.begin_round(models_only=True)
    Uses(barrier, 1, "note_read file", "hold_before file").end()
    turns = Turns(barrier)
    turns.thread(2)

    assert barrier.wait(1) == {2}
    barrier.open()
    turns.end()


def test_an_event_loop_is_stopped_once_and_only_where_another_process_could_get_in_between(barrier: Watched) -> None:
    async def write(turn: int) -> None:
        TURN.set(turn)
        barrier.note_read(("file",))
        barrier.hold_before(("file",))

    barrier.close(at_reads=False, states="written")
    asyncio.run(write(1))
    assert barrier.came.empty()

    barrier.close(at_reads=False, states="written", alone=False)
    stopped = threading.Thread(target=lambda: [asyncio.run(write(turn)) for turn in (2, 3)])
    stopped.start()
    assert barrier.wait(1) == {2}
    barrier.begin_round()
    stopped.join(20)
    assert barrier.came.empty()


def test_a_task_waits_before_it_writes_while_its_loop_goes_on(barrier: Watched) -> None:
    passed: list[int] = []

    async def write(turn: int) -> None:
        TURN.set(turn)
        await barrier.ahold_after(("row",))
        await barrier.ahold_before(("row",))
        passed.append(turn)

    async def both() -> None:
        await asyncio.gather(write(1), write(2))

    barrier.close(at_reads=False, states="written")
    thread = threading.Thread(target=lambda: asyncio.run(both()))
    thread.start()
    assert barrier.wait(2) == {1, 2}
    assert passed == []
    barrier.open()
    thread.join(20)
    assert sorted(passed) == [1, 2]
