"""Whole texts: what is said in several lines, or at length, comes back with its beginning and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import judge_unanswered
from statecheck.judge.conversation.cut_texts import find_cut

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation whose first turn has several lines, and whose second is long.

    Returns:
        `lost`, `kept`, `skipped` where the app refuses such texts, or `error` where no answer came; and a sentence.
    """
    sent = conversation.turns
    cut = find_cut(conversation)
    if cut is not None:
        return "lost", cut.what
    unjudged = judge_unanswered(sent, 3)
    if unjudged is not None:
        return unjudged
    return "kept", "texts of several lines, and long ones, were given to later turns whole"
