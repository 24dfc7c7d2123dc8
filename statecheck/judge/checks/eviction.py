"""Eviction: a session is given what it said, whoever else was served meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import find_unanswered, report_unanswered

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, channel: Channel | None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation whose first and last turn are of one session, with turns of others between them.

    Returns:
        `lost`, `kept`, `error` where one of the two was not acknowledged, or `skipped` where answers that count are all
        that shows what is remembered; and a sentence.
    """
    sent = conversation.turns
    refused = find_unanswered((*sent[:1], *sent[-1:]))
    if len(sent) < 2 or refused is not None:
        return report_unanswered(refused)
    if channel == "progress":
        return "skipped", "what an answer counts shows nothing of one session among others"
    others = len(sent) - 2
    if not conversation.is_given(sent[-1], sent[0], channel or "model"):
        return "lost", f"turn {sent[-1].number} was not given turn 1, after turns of {others} other sessions"
    return "kept", f"turn {sent[-1].number} was given turn 1, after turns of {others} other sessions"
