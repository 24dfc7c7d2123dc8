"""Taking up: a run that is under way is gone on with once, whichever servers start beside it or after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import report_unanswered

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName


def find_servers(conversation: Conversation) -> list[Op]:
    """Return the servers of workflows that were built and keep their runs where another server finds them."""
    return [op for op in conversation.select("server") if op.where]


def find_taken_up(conversation: Conversation, turn: Sent) -> list[Op]:
    """Return the model calls of a turn's run in processes that nobody sent that turn to.

    A later run of the conversation is given the turn as well: it has another id, and a newer message at the end.
    """
    runs = {op.run for op in conversation.select("model", turn.number)} - {""}
    calls = [op for op in conversation.select("model", 0) if op.pid != turn.pid]
    return [op for op in calls if op.run in runs or op.markers[-1:] == (turn.marker,)]


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge two runs: another server starts while the first is under way; in the second the server dies.

    Returns:
        `kept`; `lost` where nobody went on with the second; `duplicated` where the first was gone on with beside the
        server that still did; `error` where the first was not acknowledged; and a sentence.
    """
    beside, after = (*conversation.turns, None, None)[:2]
    if beside is None or after is None or beside.status != "ok":
        return report_unanswered(beside)
    twice = find_taken_up(conversation, beside)
    again = find_taken_up(conversation, after)
    told = f"PID {twice[0].pid} took up turn 1's run, which PID {beside.pid} still did" if twice else ""
    if not again:
        lost = "nobody took up turn 2's run after its server had died"
        return "lost", f"{lost}; {told}" if told else lost
    return ("duplicated", told) if told else ("kept", f"turn 2's run was taken up by PID {again[0].pid}, and no other")
