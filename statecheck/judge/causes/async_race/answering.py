"""What the app asks a person has an effect more than once, where several answers come at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import APPROVAL
from statecheck.judge.cause import Observation
from statecheck.judge.checks.one_answer import find_effective
from statecheck.judge.evidence.lines import anchors
from statecheck.judge.evidence.state_lines import find_related

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_approved_twice(case: Case) -> Observation | None:
    """Did several answers to one question have an effect?"""
    conversation = case.conversations.get(APPROVAL)
    if conversation is None or APPROVAL not in case.outcomes or case.outcomes[APPROVAL].outcome != "duplicated":
        return None
    effective = find_effective(conversation, case.channel or "answer")
    taken = [op for turn in effective for op in conversation.select("answers", turn.number)]
    first = conversation.turns[0]
    anchor = next(iter(anchors(taken, "")), None)
    count = len(conversation.turns) - 1
    return Observation(
        f"one question was answered {len(effective)} times: of {count} answers that came at once so many were taken, "
        "where one should be",
        anchor,
        (case.reason(APPROVAL),),
        kind="approved-twice",
        severity="warning",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix="take what waits out of its store before it is answered, in one step (`pop`, `DELETE ... RETURNING`), and "
        "refuse an answer to what is not there any more",
    )
