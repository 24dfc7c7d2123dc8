"""Either way: a turn is kept whichever way a boolean of its request stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import describe_refused, find_unanswered, report_unanswered

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName


def find_unkept(conversation: Conversation, channel: Channel) -> tuple[str, Sent, Sent, Sent] | None:
    """Return the way in which a turn was sent that loses it or what was before.

    That is what was sent, the turn that was sent so, the turn that was not given another, and that one. A turn that is
    refused that way, or whose session is anew after it as the app says so, shows nothing.
    """
    turns = conversation.turns
    ways = {op.turn: op.name for op in conversation.select("turn") if op.type == "invoke" and op.name}
    for before, turn, after in zip(turns, turns[1:], turns[2:], strict=False):
        if turn.number not in ways or any(each.status != "ok" for each in (before, turn, after)):
            continue
        if not conversation.is_given(after, turn, channel):
            return ways[turn.number], turn, after, turn
    return None


def check(
    conversation: Conversation, channel: Channel | None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation of one session in which some turns are sent with a boolean the other way.

    Returns:
        `lost`, `kept`, `skipped` where a request is refused that way, or `error` where the first turn was not
        acknowledged; and a sentence.
    """
    sent = conversation.turns
    if len(sent) < 3 or sent[0].status != "ok":
        return report_unanswered(next(iter(sent), None))
    unkept = find_unkept(conversation, channel or "model")
    if unkept is not None:
        way, _, later, missing = unkept
        return "lost", f"turn {later.number} was not given turn {missing.number}, which was sent with {way}"
    refused = find_unanswered(sent)
    if refused is not None:
        return "skipped", describe_refused(refused)
    return "kept", "what was sent either way was given to later turns"
