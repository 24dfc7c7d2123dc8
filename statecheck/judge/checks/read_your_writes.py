"""Read your writes: what a session was acknowledged, its later turns are given.

One of the session guarantees of Terry et al. 1994 (https://doi.org/10.1109/PDIS.1994.331722), as a check of one
sequential history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.reading import Channel, Sent, given, own_reads, remembered_by, turns, unsaved, writes

if TYPE_CHECKING:
    from statecheck.history import History
    from statecheck.model import OutcomeName

_NOT_NOW = (401, 403, 429, 502, 503, 504)
"""Answers that speak of the client or of the moment, and not of a conversation that is not there."""


def check(history: History, channel: Channel | None, control: History | None = None) -> tuple[OutcomeName, str]:
    """Judge a sequential history of one session.

    Args:
        channel: where the baseline (same-process) showed that turn 1 is remembered; None to take whichever
            shows it.
        control: one session's turns in one process, one after the other: what is not given there is not lost here (a
            form that begins anew, an answer that a question waited for).

    Returns:
        `kept`, `lost`, or `error` where the first turn was not acknowledged; and a sentence.
    """
    sent = turns(history)
    if not sent or sent[0].status != "ok":
        return "error", "turn 1 was not acknowledged: " + (sent[0].note if sent else "nothing was sent")
    if len(sent) == 1:
        return "error", "only one turn was sent"
    for position, turn in enumerate(sent[1:], 1):
        if turn.status == "info":
            return "error", f"turn {turn.number} got no answer: {turn.note}"
        for earlier in sent[:position]:
            if earlier.status != "ok":
                continue
            if turn.status == "fail" and turn.code in _NOT_NOW and not _is_unknown(sent[0], turn):
                return "error", f"turn {turn.number} was refused: {turn.note}"
            if turn.status == "fail":
                return ("lost" if channel else "error"), f"turn {turn.number} was refused: {turn.note}"
            due = _is_due(control, turn, earlier, channel) or unsaved(history, earlier) is not None
            if due and not _is_given(history, turn, earlier, channel):
                return "lost", f"turn {turn.number} was not given turn {earlier.number}"
    return "kept", f"turn {sent[-1].number} was given all {len(sent) - 1} before it" if len(sent) > 2 else (
        "turn 2 was given turn 1"
    )


def _is_unknown(first: Sent, turn: Sent) -> bool:
    """Whether a turn was refused because the session that the app itself had given is not known any more."""
    return first.given and turn.key == first.key and turn.code in (401, 403)


def _is_due(control: History | None, turn: Sent, earlier: Sent, channel: Channel | None) -> bool:
    """Whether a turn of this number is given the earlier one where nothing comes between."""
    if control is None:
        return True
    same = {each.number: each for each in turns(control)}
    if turn.number not in same or earlier.number not in same:
        return True
    return _is_given(control, same[turn.number], same[earlier.number], channel)


def _is_given(history: History, turn: Sent, earlier: Sent, channel: Channel | None) -> bool:
    if channel is None:
        shown = remembered_by(history, turn, earlier.marker) is not None
    else:
        shown = earlier.marker in given(history, turn, channel)
    return shown and not lost_states(history, earlier, turn)


def lost_states(history: History, earlier: Sent, turn: Sent) -> list[str]:
    """Context values that the app's own code wrote the earlier marker to and that the later turn reads without it.

    Judged store by store: a conversation that is kept elsewhere does not bring back an approval that is gone. A value
    that is set somewhere and here only changed after it was read may be meant so: a list that a prompt is made of.
    """
    marked = [op for op in writes(history, earlier.number, earlier.marker) if earlier.marker in op.markers]
    sets = {op.name for op in history.select("ctx-store", action="write")}
    written = {op.name for op in marked if op.f == "ctx-store" and not (op.action == "mutate" and op.name in sets)}
    lost = []
    for value in sorted(written):
        reads = [op for op in own_reads(history, turn.number) if op.f == "ctx-store" and op.name == value]
        if reads and not any(earlier.marker in op.markers for op in reads):
            lost.append(value)
    return lost
