"""Turns that are held at once are let go while their answers can still come in time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from statecheck.lab.overlap import send_at_once

if TYPE_CHECKING:
    from statecheck.lab.workers.worker import Worker

FOREVER = 3600.0


class OneByOne:
    """A worker that takes one turn at a time and holds it at each round: the other waits behind it."""

    generation, dead = 1, False

    def __init__(self) -> None:
        self.held = self.held_aside = 0
        self.done: dict[int, str] = {}
        self.rounds = 0
        self.released = threading.Event()

    def turn(self) -> None:
        self.held = self.held_aside = 1
        self.released.wait(FOREVER)

    def behind(self) -> None:
        self.released.wait(FOREVER)

    def ask(self, message: dict[str, Any], _seconds: float) -> dict[str, Any]:
        return {"work": 0.0} if "work" in message else {}

    def let_go(self, _turn: int = 0, *, models_only: bool = False, for_good: bool = False) -> None:
        if for_good:
            self.released.set()
        else:
            self.rounds += 1
            self.held += 1


def test_slow_turns_are_let_go_before_their_answers_are_late() -> None:
    worker = OneByOne()
    most, left = send_at_once([worker.turn, worker.behind], [cast("Worker", worker)], "model", FOREVER, 0.2)

    assert (most, left, worker.rounds) == (1, [], 0)


class AtTheModel:
    """A worker that holds each turn once, and ends it when it is let go."""

    generation, dead = 1, False

    def __init__(self) -> None:
        self.held = self.held_aside = 0
        self.done: dict[int, str] = {}
        self.arrived: list[int] = []
        self.ended: list[int] = []
        self.gates = {turn: threading.Event() for turn in (7, 8)}

    def turn(self, number: int) -> None:
        self.held += 1
        self.arrived.append(number)
        self.gates[number].wait(FOREVER)
        self.ended.append(number)

    def ask(self, message: dict[str, Any], _seconds: float) -> dict[str, Any]:
        return {"work": 0.0} if "work" in message else {}

    def list_held(self) -> list[int]:
        return [turn for turn in self.arrived if not self.gates[turn].is_set()]

    def let_go(self, turn: int = 0, *, models_only: bool = False, for_good: bool = False) -> None:
        for number, gate in self.gates.items():
            if for_good or turn in (0, number):
                gate.set()


def test_of_two_sessions_the_turn_that_came_first_ends_last() -> None:
    worker = AtTheModel()
    turns = [lambda: worker.turn(7), lambda: worker.turn(8)]
    most, left = send_at_once(turns, [cast("Worker", worker)], "model", 1.0, FOREVER, mixed=True)

    assert (most, left, worker.ended) == (2, [], [8, 7])
