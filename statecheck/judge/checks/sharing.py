"""Sharing: what one client said is not given to another thread of the same user, or to who sends no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.mixing import find_leaks

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation whose turns are of several sessions, each sent in another way than the first.

    Returns:
        `leaked`, `isolated`, `skipped` where the app refuses what is sent in that way, or `error` where the first turn
        was not acknowledged; and a sentence.
    """
    sent = conversation.turns
    if len(sent) < 2 or sent[0].status != "ok":
        return "error", f"turn 1 was not acknowledged: {sent[0].note}" if sent else "nothing was sent"
    leak = next(find_leaks(conversation), None)
    if leak is not None:
        return "leaked", f"turn {leak.turn.number} was given turn {leak.other.number} ({leak.how})"
    refused = next((turn for turn in sent if turn.status != "ok"), None)
    if refused is not None and (len(sent) == 2 or sent[1].status != "ok"):  # nothing can be given where nothing is kept
        return "skipped", f"turn {refused.number} was refused: {refused.note}"
    if refused is not None:
        return "isolated", f"turn {refused.number} was refused: {refused.note}"
    return "isolated", "no turn was given another"
