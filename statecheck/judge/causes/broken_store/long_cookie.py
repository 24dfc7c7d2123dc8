"""What the app keeps in a cookie grows until browsers do not take it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, SEQUENTIAL
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchors
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_long_cookie(case: Case) -> Observation | None:
    """Is a later turn not given one whose answer set a cookie that is too long for a browser to keep?"""
    for name in (BASELINE, *SEQUENTIAL, CONTROL):
        conversation = case.conversations.get(name)
        seen = _find_ignored(conversation) if conversation is not None else None
        if conversation is None or seen is None:
            continue
        (cookie, size), turn = seen
        put = anchors(conversation.handed_over(turn.marker, turn.number), "written")
        text = f"the answer of turn {turn.number} set one of {int(size):,} bytes, and a later turn did not bring it"
        return Observation(
            f"turn {turn.number} went into the cookie `{cookie}`, which had become too long: browsers ignore one "
            "of more than 4,096 bytes and go on sending the one before it",
            next(iter(put), None) or next(iter(anchors(conversation.select("model", turn.number), "")), None),
            (Evidence(name, text),),
            kind="long-cookie",
            related_to=tuple(anchors(conversation.handed_back(turn.number), "read")),
            fix="keep the conversation in a store on the server, and in the cookie nothing but its key",
        )
    return None


def _find_ignored(conversation: Conversation) -> tuple[list[str], Sent] | None:
    """The first cookie that a browser did not keep, and the turn of which no later one was given anything for that."""
    for op in (op for op in conversation.select("turn") if op.ignored):
        turn = conversation.find_turn(op.turn)
        later = [each for each in conversation.turns if each.number > op.turn and each.status == "ok"]
        if turn is not None and later and not any(conversation.remembered_by(each, turn) for each in later):
            return op.ignored[0].split(), turn
    return None
