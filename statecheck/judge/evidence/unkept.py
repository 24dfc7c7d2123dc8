"""What the app's code means to keep in memory, and does not: what nothing fills, and what it drops. Pure.

The code says what it means, the record that it ran: a dict and a list are of no class that could be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.model import Anchor

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent

Slip = Literal["dropped", "unfilled", "copied"]


@dataclass(frozen=True, slots=True)
class Unkept:
    """What took a turn, or was asked for one, and does not have it.

    Attributes:
        name: what it is called in the code.
        slip: `dropped`, it is a list that took the turn; `unfilled`, a container that was asked in vain; `copied`, a
            request's own state, into which the turn was put back.
        made: where it is made, or put back, or where the function gets it.
        uses: where it is asked, or filled.
    """

    name: str
    slip: Slip
    made: Anchor
    uses: tuple[Anchor, ...]


def find_unkept(conversation: Conversation, first: Sent, second: Sent) -> Unkept | None:
    """Return what the code meant to keep turn 1 in, where both turns asked a model; None if there is nothing."""
    if any(not conversation.calls_model(turn.number) for turn in (first, second)):
        return None
    calls = [list(conversation.select("model", turn.number)) for turn in (first, second)]
    ran = [{frame.function for op in ops for frame in op.frames} for ops in calls]
    slips: tuple[Literal["unfilled", "copied"], ...] = "unfilled", "copied"
    for slip in slips:
        for op in conversation.select(slip):
            if all(functions.intersection((op.method, *op.arguments)) for functions in ran) and op.lines:
                return _read(op, slip)
    for op in conversation.select("dropped"):
        handed = {(line.path, line.line) for line in op.lines if line.role == "read"}
        # a list that a second call is given was kept for that
        if op.lines and all(sum(_stands_at(call, handed) for call in ops) == 1 for ops in calls):
            return _read(op, "dropped")
    return None


def _stands_at(call: Op, lines: set[tuple[str, int]]) -> bool:
    return any((frame.path, frame.line) in lines for frame in call.frames)


def _read(op: Op, slip: Slip) -> Unkept:
    made, *uses = op.lines
    shown = [use for use in uses if use.role == "written" or slip != "dropped"]
    return Unkept(
        op.name, slip, Anchor(made.path, made.line), tuple(Anchor(use.path, use.line, use.role) for use in shown)
    )
