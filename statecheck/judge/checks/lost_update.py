"""Lost update: no acknowledged turn is missing after turns of one session overlapped.

The anomaly of the same name (Adya 1999, P4 of Berenson et al. 1995): several loads of one version, then several
saves, of which one survives. Every turn appends a marker of its own, so what is missing can be named (the idea of
Elle's list-append histories, https://github.com/jepsen-io/elle).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.judge.checks.reading import Channel, Sent, given, turns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import History, Op
    from statecheck.model import OutcomeName

_OTHER_LOOP = re.compile(r"(bound|attached) to a different (event )?loop")  # as asyncio says it


def overlapping(history: History) -> tuple[list[Sent], list[Sent], Sent | None]:
    """(turns before the overlap, turns that overlapped, the sequential turn that reads afterwards)."""
    sent = turns(history)
    marks = [op.turn for op in history.select("overlap")]
    if not marks or len(sent) < 3:
        return sent, [], None
    first = marks[0]
    return [t for t in sent if t.number < first], [t for t in sent[:-1] if t.number >= first], sent[-1]


def missing(history: History, channel: Channel) -> list[Sent]:
    """The acknowledged overlapping turns that the reading turn was not given.

    Memory limits make a read a window onto the newest turns: if the turn before the overlap has left the window,
    what is missing may have left it too and is not called lost.
    """
    before, during, reader = overlapping(history)
    if reader is None:
        return []
    seen = given(history, reader, channel)
    if any(turn.marker not in seen for turn in before) and any(turn.marker in seen for turn in during):
        return []
    return [turn for turn in during if turn.status == "ok" and turn.marker not in seen]


def is_window(control: History, channel: Channel) -> bool:
    """Whether as many turns one after the other are not all given to a later one either: memory limits drop some."""
    *before, reader = turns(control)
    seen = given(control, reader, channel)
    return any(turn.status == "ok" and turn.marker not in seen for turn in before)


def has_room(history: History, control: History, channel: Channel) -> bool:
    """Whether the reader is still given a turn that as many in sequence push out: memory limits dropped none here."""
    before, _, reader = overlapping(history)
    *earlier, last = turns(control)
    if reader is None:
        return False
    pushed_out = {turn.number for turn in earlier if turn.marker not in given(control, last, channel)}
    seen = given(history, reader, channel)
    return any(turn.number in pushed_out and turn.marker in seen for turn in before)


def check(history: History, channel: Channel, control: History | None = None) -> tuple[OutcomeName, str]:
    """Judge a history with an overlap.

    Args:
        control: the same number of turns without overlap, if they were sent.

    Returns:
        `lost`, `reordered`, `kept`, or `error` where the reading turn or all overlapping turns were refused.
    """
    before, during, reader = overlapping(history)
    acknowledged = [turn for turn in during if turn.status == "ok"]
    if reader is None or reader.status != "ok" or not before or before[0].status != "ok":
        return "error", "the turn that reads was not acknowledged: " + (reader.note if reader else "nothing was sent")
    if not acknowledged:
        return "error", f"none of the overlapping turns was acknowledged: {during[0].note if during else ''}"
    lost = missing(history, channel)
    held = _held(history)
    refused = len(during) - len(acknowledged)
    aside = f", {refused} refused" if refused else ""
    if lost and control is not None and is_window(control, channel) and not has_room(history, control, channel):
        return "kept", "the memory is a window onto the newest turns; what it drops is not called lost"
    if lost:
        return "lost", (
            f"{len(lost)} of {len(acknowledged)} acknowledged overlapping turns are missing afterwards "
            f"({held} held at once{aside})"
        )
    if _interleaved(history, reader):
        return "reordered", f"all are kept, but questions and answers are interleaved ({held} held at once{aside})"
    how = "serialized: one turn at a time" if held <= 1 else f"{held} held at once"
    return "kept", f"all {len(acknowledged)} acknowledged turns are kept ({how}{aside})"


def meets_another_loop(ops: Iterable[Op]) -> Op | None:
    """The first failure to use what belongs to another thread's event loop, which wakes nobody else that waits."""
    return next((op for op in ops if op.type == "fail" and _OTHER_LOOP.search(op.error)), None)


def _held(history: History) -> int:
    mark = next(history.select("overlap"), None)
    return mark.held if mark is not None else 0


def _interleaved(history: History, reader: Sent) -> bool:
    """Whether the reader's model was given answers to all earlier questions, but not each after its question."""
    calls: list[Op] = list(history.select("model", reader.number))
    return any("uu" in op.roles and op.roles.count("a") >= op.roles.count("u") - 1 for op in calls)
