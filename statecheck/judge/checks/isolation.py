"""Isolation: a session is not given what another session said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import find_unanswered, report_unanswered

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation in which turn 2 is another session's than turn 1; the others tell nothing of that.

    Returns:
        `isolated`, `leaked`, or `error` where a turn was not acknowledged; and a sentence.
    """
    sent = conversation.turns
    refused = find_unanswered(sent[:2])
    if len(sent) < 2 or refused is not None:
        return report_unanswered(refused)
    first, second = sent[:2]
    channel = conversation.remembered_by(second, first)
    if channel is not None:
        return "leaked", f"another session's turn was given what this session said ({channel})"
    return "isolated", "the other session was given nothing of this one"
