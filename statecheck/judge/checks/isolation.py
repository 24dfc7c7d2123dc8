"""Isolation: a session is not given what another session said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.reading import channels, given, turns

if TYPE_CHECKING:
    from statecheck.history import History
    from statecheck.model import OutcomeName


def check(history: History) -> tuple[OutcomeName, str]:
    """Judge a history in which turn 2 is another session's than turn 1.

    Returns:
        `isolated`, `leaked`, or `error` where a turn was not acknowledged; and a sentence.
    """
    sent = turns(history)
    refused = next((turn for turn in sent[:2] if turn.status != "ok"), None)
    if len(sent) < 2 or refused is not None:
        return "error", f"turn {refused.number} was not acknowledged: {refused.note}" if refused else "nothing was sent"
    first, second = sent[:2]
    shown = [channel for channel in channels(history, second) if first.marker in given(history, second, channel)]
    if shown:
        return "leaked", f"another session's turn was given what this session said ({shown[0]})"
    return "isolated", "the other session was given nothing of this one"
