"""What its sender delivers twice is in the conversation twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import RESENT
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of, anchors

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_stored_twice(case: Case) -> Observation | None:
    """Was an event that was delivered twice put into the conversation twice?"""
    conversation = case.conversations.get(RESENT)
    if conversation is None or RESENT not in case.outcomes or case.outcomes[RESENT].outcome != "duplicated":
        return None
    again = conversation.turns[1]
    written = [op for f in ("sql", "wire", "file") for op in conversation.select(f, again.number, "write")]
    lines = anchors([*conversation.writes(again.number, again.marker), *written], "written")
    called = next((op for op in conversation.select("model", again.number) if op.frames), None)
    return Observation(
        "an event that its sender delivers twice is answered and stored twice",
        next(iter(lines), None) or anchor_of(called),
        (case.reason(RESENT),),
        kind=RESENT,
        severity="warning",
        related_to=tuple(lines[1:]),
        fix="keep the ids of the events that were taken beside the conversation (a unique key), and let one that comes "
        "again do nothing; answer before the sender gives up waiting",
    )
