"""Answers are kept by the question's text, for all users: who says what another said is given that one's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import OTHER_SESSION, SAME_TEXT
from statecheck.judge.cause import Observation
from statecheck.judge.checks.same_text import find_shared_answer
from statecheck.judge.evidence.lines import anchor_of
from statecheck.judge.evidence.text_lines import find_text_lines

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_shared_cache(case: Case) -> Observation | None:
    """Was a user who said what another had said given what came of the other's conversation?"""
    conversation = case.conversations.get(SAME_TEXT)
    if conversation is None or not case.leaked(SAME_TEXT) or case.leaked(OTHER_SESSION):
        return None
    leak = find_shared_answer(conversation)
    if leak is None:
        return None
    said = {other.marker for other in conversation.turns if other.number != leak.turn.number}
    read = [op for op in conversation.select(turn=leak.turn.number) if op.action == "read" and op.f != "model"]
    brought = anchor_of(next((op for op in read if op.frames and said & {*op.markers} - {leak.turn.marker}), None))
    found = find_text_lines(conversation, leak.turn, "key")
    lines = [*filter(None, [brought]), *(line for line, _ in found)]
    by = f" (`{found[0][1]}`)" if found else ""
    return Observation(
        f"who says what another user has said is given that one's answer{by}: answers are kept by the text alone, for "
        "all sessions",
        next(iter(lines), None),
        (case.reason(SAME_TEXT),),
        kind="shared-answer",
        related_to=tuple(dict.fromkeys(line for line in lines[1:] if line != lines[0])),
        fix="make the session, and what was said in it before, a part of the key under which an answer is kept; or "
        "keep only answers that were made of no conversation",
    )
