"""What held a turn was built in its own request; or the client sent the earlier turns, and they were not used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.deployed import advise_per_tab
from statecheck.judge.evidence.intent import find_memory_database
from statecheck.judge.evidence.lines import anchor_of, find_builds
from statecheck.judge.evidence.sent_history import find_dropped_history
from statecheck.judge.evidence.state_lines import find_related

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_dropped_store(case: Case) -> Observation | None:
    """Was the innermost store that held turn 1's marker built in turn 1's own request?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    witness = _find_maker(conversation, first) or find_memory_database(conversation, first, second)
    if witness is None:
        return None
    what = witness.cls or f"`{witness.where}` database"
    anchor = anchor_of(witness)
    gone = any(op.obj == witness.obj for op in conversation.select("gone"))
    end = "and is gone" if gone else "and turn 2 used another"
    return Observation(
        f"turn 1 went into a {what} that was built in its own request {end}",
        anchor,
        (case.reason(BASELINE),),
        kind="memory-database" if ":memory:" in witness.where else None,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=advise_per_tab(case),
    )


def _find_maker(conversation: Conversation, turn: Sent) -> Op | None:
    """The innermost store that took the turn's marker, if it was made in that turn.

    By a constructor; or by a copy or a validation, which are seen first when the object is used.
    """
    objects = find_builds(conversation, turn.marker, turn)
    if objects:
        return objects[0] if objects[0].turn == turn.number else None
    for op in conversation.writes(turn.number, turn.marker):
        first = conversation.first_of(op)
        if first.turn == turn.number:
            return first
    return None


def find_unused_history(case: Case) -> Observation | None:
    """Did the client send turn 1 with turn 2, and the app ask its model without it?"""
    return find_dropped_history(case, by_agent=False)
