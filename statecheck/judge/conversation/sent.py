"""The turns of a conversation as the driver saw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import Op

Channel = Literal["model", "answer", "state", "progress"]
"""What shows that a turn is given another: the model's input, its answer, what it read, or how far it has come."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One turn as the driver saw it.

    Attributes:
        marker: the token in its text.
        key: the session key that was sent, or that the answer gave (then it is `given`); None if there is none.
        status: `ok`, `fail` (refused) or `info` (in flight when its worker died, or no answer).
        answer: the text that came back.
        code: the answer's HTTP status; 0 if nothing came back.
        note: why it was not acknowledged, in words: an error, else that status.
        sent, ended: monotonic nanoseconds.
        renewed: its answer gave the client another key to send next.
        answers: the number of the turn in which the app asked a person what this one answers; 0 for none.
    """

    number: int
    marker: str
    key: str | None
    pid: int
    generation: int
    status: Literal["ok", "fail", "info"]
    answer: str
    code: int
    note: str
    sent: int
    ended: int
    given: bool = False
    renewed: bool = False
    answers: int = 0


def read_turns(ops: Iterable[Op]) -> tuple[Sent, ...]:
    """The turns that ops of the kind `turn` tell of, in the order of their numbers."""
    invoked: dict[int, Op] = {}
    ended: dict[int, Op] = {}
    for op in ops:
        if op.markers:  # else it is not a driver's op
            (invoked if op.type == "invoke" else ended).setdefault(op.turn, op)
    return tuple(_read_turn(number, invoked.get(number), ended.get(number)) for number in sorted({*invoked, *ended}))


def _read_turn(number: int, begun: Op | None, end: Op | None) -> Sent:
    start = begun or end
    assert start is not None
    if end is None:
        return Sent(
            number,
            start.markers[0],
            start.key,
            start.pid,
            start.generation,
            "info",
            "",
            0,
            "",
            start.time,
            start.time,
            answers=start.answers,
        )
    return Sent(
        number,
        start.markers[0],
        start.key if start.key is not None else end.key,
        start.pid,
        start.generation,
        end.type if end.type in ("ok", "fail") else "info",
        end.text,
        end.status,
        end.error or (f"HTTP {end.status}" if end.status else ""),
        start.time,
        end.time,
        given=start.key is None and end.key is not None,
        renewed=start.key is not None and end.key not in (None, start.key),
        answers=start.answers,
    )
