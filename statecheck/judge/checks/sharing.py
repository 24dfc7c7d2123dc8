"""Sharing: what one client said is not given to another thread of the same user, or to who sends no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.mixing import find_leaks
from statecheck.judge.checks.unanswered import describe_refused, find_unanswered, report_unanswered

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
        return report_unanswered(next(iter(sent), None))
    leak = next(find_leaks(conversation), None)
    if leak is not None:
        return "leaked", f"turn {leak.turn.number} was given turn {leak.other.number} ({leak.how})"
    refused = find_unanswered(sent)
    if refused is not None and (len(sent) == 2 or sent[1].status != "ok"):  # nothing can be given where nothing is kept
        return "skipped", describe_refused(refused)
    if refused is not None:
        return "isolated", describe_refused(refused)
    return "isolated", "no turn was given another"
