"""The conversation that a client sends with every turn, and whether the app hands it on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_dropped_history(case: Case, *, by_agent: bool) -> Observation | None:
    """Return how turn 2 was answered without the earlier turns that the client had sent along; None if it was not.

    Args:
        by_agent: asks of an agent's run, which makes a memory of its own where it is given none; else of the model's
            call by the app.
    """
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.app.carries_history or not case.lost(BASELINE):
        return None
    second = conversation.turns[1]
    calls = list(conversation.select("model", second.number))
    if second.status != "ok" or not any(second.marker in op.markers for op in calls):
        return None
    run = next((op for op in conversation.select("run", second.number) if op.frames), None)
    if by_agent != (run is not None):
        return None
    asked = run or next((op for op in calls if op.frames), calls[0])
    whom, then, call = ("agent", ": its run began with an empty memory", "agent.run") if run else ("model", "", "chat")
    return Observation(
        "the client sends the whole conversation with every turn, and the earlier messages are not given to the "
        f"{whom}{then}",
        anchor_of(asked),
        (case.reason(BASELINE),),
        kind="history-dropped",
        fix=f"give the {whom} all messages that the client sends: `{call}(message, chat_history=earlier)`",
    )
