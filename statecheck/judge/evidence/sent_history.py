"""The conversation that a client sends with every turn, and whether the app hands it on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.evidence.case import Case


@dataclass(frozen=True, slots=True)
class DroppedHistory:
    """A turn that was sent with the earlier ones and asked its model without them.

    Attributes:
        asked: the run, or the model's call, that was given the newest message alone.
        by_agent: an agent's run, which makes a memory of its own where it is given none.
    """

    asked: Op
    by_agent: bool


def find_dropped_history(case: Case) -> DroppedHistory | None:
    """Return what asked a model without the earlier turns that the client had sent along; None where none did."""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.carries_history or not case.lost(BASELINE):
        return None
    second = conversation.turns[1]
    calls = list(conversation.select("model", second.number))
    if second.status != "ok" or not any(second.marker in op.markers for op in calls):
        return None
    run = next((op for op in conversation.select("run", second.number) if op.frames), None)
    asked = run or next((op for op in calls if op.frames), calls[0])
    return DroppedHistory(asked, run is not None)
