"""Turns of one kind alone are not kept: put in place, answered another way, cut off."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, FLAG, OTHER_WORKER, STREAM_CUT
from statecheck.judge.cause import Observation
from statecheck.judge.checks.either_way import find_unkept
from statecheck.judge.evidence.lines import anchor_of, anchors
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_unset_session(case: Case) -> Observation | None:
    """Was a turn put into a framework's session in place, and not given to a later turn for that?"""
    conversations = [case.conversations[name] for name in (OTHER_WORKER, CONTROL) if name in case.conversations]
    for conversation, (turn, later) in ((one, pair) for one in conversations for pair in pairwise(one.turns)):
        op = conversation.find_unsaved(turn)
        if op is None or later.status != "ok" or conversation.is_given(later, turn, case.channel or "model"):
            continue
        anchor = anchor_of(op)
        told = f"turn {turn.number} changed `{op.name}` in place, and turn {later.number} was not given it"
        shown = conversation.experiment if conversation.experiment in case.outcomes else BASELINE
        return Observation(
            f"turn {turn.number} was put into `{op.name}` of a {op.cls} in place, which does not save it",
            anchor,
            (Evidence(shown, told),),
            kind="unset-mutation",
            related_to=find_related(conversation, turn, turn.marker, anchor or case.handler),
            fix=f"set `{op.name}` again after changing it, or set `session.modified = True`",
        )
    return None


def find_other_way(case: Case) -> Observation | None:
    """Is a turn not kept where a boolean of its request stands the other way?"""
    conversation = case.conversations.get(FLAG)
    if conversation is None or not case.lost(FLAG):
        return None
    unkept = find_unkept(conversation, case.channel or "model")
    if unkept is None:
        return None
    way, turn, later, _ = unkept
    asked = anchors(conversation.select("model", turn.number), "read")
    plain = find_related(conversation, conversation.turns[0], conversation.turns[0].marker, case.handler)
    return Observation(
        f"with {way} a turn is answered and not kept: turn {later.number} was not given turn {turn.number}",
        next(iter(asked), None),
        (case.reason(FLAG),),
        kind="other-way",
        severity="error" if "stream" in way else "warning",
        related_to=tuple(place for place in plain if place.text == "written"),
        fix=f"with {way} write the turn too, as is done without it",
    )


def find_cut_stream(case: Case) -> Observation | None:
    """Did nothing remain of a turn whose client went away before the end of its answer?"""
    conversation = case.conversations.get(STREAM_CUT)
    sent = conversation.turns if conversation is not None else []
    if conversation is None or len(sent) < 3 or next(conversation.select("left"), None) is None:
        return None
    first, cut, last = sent[:3]
    channel = case.channel or "model"
    seen = conversation.is_given(last, first, channel), conversation.is_given(last, cut, channel)
    if cut.status != "info" or seen != (True, False):
        return None
    lines = find_related(conversation, first, first.marker, case.handler)
    anchor = next((line for line in lines if line.text == "written"), None)
    return Observation(
        f"the client of turn {cut.number} went away before the end of its answer, and nothing of that turn is kept",
        anchor,
        (Evidence(STREAM_CUT, f"turn {last.number} was given turn {first.number}, and not turn {cut.number}"),),
        kind=STREAM_CUT,
        severity="warning",
        fix="save what the user said before the answer is streamed, and what was answered in a `finally:`",
    )
