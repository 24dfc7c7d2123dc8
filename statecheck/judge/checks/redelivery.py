"""Redelivery: what is delivered twice is in the conversation once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import find_unanswered, report_unanswered
from statecheck.judge.conversation.shapes import find_repeated

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation whose turn 2 is turn 1, delivered again.

    Returns:
        `duplicated`, `kept`, or `error` where the first or the last turn was not acknowledged; and a sentence.
    """
    sent = conversation.turns
    refused = find_unanswered((*sent[:1], *sent[2:]))
    if len(sent) < 3 or refused is not None:
        return report_unanswered(refused)
    twice = [any(find_repeated(op.messages) for op in conversation.select("model", turn.number)) for turn in sent]
    if twice[2] and not twice[0]:
        return "duplicated", "turn 3 was given turn 1 twice, which was delivered twice"
    return "kept", "turn 3 was given turn 1 once, which was delivered twice"
