"""Newest turns: however long a talk is, a turn is given the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import judge_unanswered
from statecheck.judge.conversation.windows import find_refusing, find_stuck

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a long conversation of one session.

    Returns:
        `lost`, `kept`, `skipped` where the app refuses so many, or `error` where no answer came; and a sentence.
    """
    sent = conversation.turns
    refusing = find_refusing(conversation)
    if refusing is not None and refusing.number > 2:
        return "lost", f"turn {refusing.number} and those after it were refused: {refusing.note}"
    unjudged = judge_unanswered(sent, 3)
    if unjudged is not None:
        return unjudged
    stuck = find_stuck(conversation)
    if stuck is not None:
        return (
            "lost",
            f"turn {stuck.number} was not given turn {stuck.number - 1}, nor any later turn the one before it",
        )
    return "kept", f"in a talk of {len(sent)} turns each was given the one before it"
