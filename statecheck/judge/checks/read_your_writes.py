"""Read your writes: what a session was acknowledged, its later turns are given.

One of the session guarantees of Terry et al. 1994 (https://doi.org/10.1109/PDIS.1994.331722), as a check of one
sequential history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.judge.conversation.turn_index import Turns
    from statecheck.model import OutcomeName

_NOT_NOW = (401, 403, 429, 502, 503, 504)
"""Answers that speak of the client or of the moment, and not of a conversation that is not there."""


def check(
    conversation: Conversation, channel: Channel | None, control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge the turns of one session that follow each other.

    Args:
        channel: where the baseline (same-process) showed that turn 1 is remembered; None to take whichever
            shows it.
        control: one session's turns in one process, one after the other: what is not given there is not lost here (a
            form that begins anew, an answer that a question waited for).

    Returns:
        `kept`, `lost`, or `error` where the first turn was not acknowledged; and a sentence.
    """
    sent = conversation.turns
    if not sent or sent[0].status != "ok":
        return "error", "turn 1 was not acknowledged: " + (sent[0].note if sent else "nothing was sent")
    if len(sent) == 1:
        return "error", "only one turn was sent"
    acknowledged = 0
    for position, turn in enumerate(sent[1:], 1):
        if sent[position - 1].status == "ok":
            acknowledged |= 1 << position - 1
        if turn.status == "info":
            return "error", f"turn {turn.number} got no answer: {turn.note}"
        if turn.status == "fail":
            passing = turn.code in _NOT_NOW and not _is_unknown(sent[0], turn)
            return "error" if passing or not channel else "lost", f"turn {turn.number} was refused: {turn.note}"
        due = acknowledged & (_find_due(conversation, control, turn, channel) | conversation.unsaved)
        due &= conversation.run_of(turn)
        missing = due & ~_find_given(conversation, turn, channel)
        if missing:
            return "lost", f"turn {turn.number} was not given turn {_first_of(conversation, missing).number}"
    if any(turn.answers for turn in sent):
        return "kept", "what was asked in turn 1 was answered in turn 2, and the run went on"
    return "kept", f"turn {sent[-1].number} was given all {len(sent) - 1} before it" if len(sent) > 2 else (
        "turn 2 was given turn 1"
    )


def _first_of(conversation: Conversation, turns: Turns) -> Sent:
    return conversation.turns[(turns & -turns).bit_length() - 1]


def _is_unknown(first: Sent, turn: Sent) -> bool:
    """Whether a turn was refused because the session that the app itself had given is not known any more."""
    return first.given and turn.key == first.key and turn.code in (401, 403)


def _find_due(conversation: Conversation, control: Conversation | None, turn: Sent, channel: Channel | None) -> Turns:
    """The set of the turns that a turn of this number is given where nothing comes between."""
    everything = (1 << len(conversation.turns)) - 1
    same = control.find_turn(turn.number) if control is not None else None
    if control is None or same is None:
        return everything
    unknown = everything & ~conversation.translate(control, (1 << len(control.turns)) - 1)
    return unknown | conversation.translate(control, _find_given(control, same, channel))


def _find_given(conversation: Conversation, turn: Sent, channel: Channel | None) -> Turns:
    """The set of the turns that a turn was given whole."""
    shown = 0
    for one in [channel] if channel else conversation.channels(turn):
        shown |= conversation.given(turn, one)
    return shown & ~_find_losing(conversation, turn)


def _find_losing(conversation: Conversation, turn: Sent) -> Turns:
    """The set of the turns of which a Context's value that a later turn reads has lost what they wrote to it.

    Judged store by store: a conversation that is kept elsewhere does not bring back an approval that is gone. A value
    that is set somewhere and here only changed after it was read may be meant so: a list that a prompt is made of.
    """
    read: dict[str, Turns] = {}
    for op in conversation.own_reads(turn.number):
        if op.f == "ctx-store":
            read[op.name] = read.get(op.name, 0) | conversation.of_markers(op.markers)
    losing = 0
    for name, seen in read.items():
        losing |= conversation.writers_of(name) & ~seen
    return losing
