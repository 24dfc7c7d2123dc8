"""Lost update: no acknowledged turn is missing after turns of one session overlapped.

The anomaly of the same name (Adya 1999, P4 of Berenson et al. 1995): several loads of one version, then several
saves, of which one survives. Every turn appends a marker of its own, so what is missing can be named (the idea of
Elle's list-append histories, https://github.com/jepsen-io/elle).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.judge.conversation.conversation import WRITES
from statecheck.judge.conversation.shapes import list_speakers
from statecheck.judge.conversation.windows import is_suffix, name_limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import Op
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName
    from statecheck.probe.ops import OpKind

_WRITTEN: tuple[OpKind, ...] = ("memory", "chat-store", "sql", "wire", "file")
_OTHER_LOOP = re.compile(r"(bound|attached) to a different (event )?loop")  # as asyncio says it


def find_missing(conversation: Conversation, channel: Channel) -> list[Sent]:
    """The acknowledged overlapping turns that the reading turn was not given, nor the one that asks once more.

    Memory limits may have dropped them all the same: only as many turns one after the other show that.
    """
    _, _, reader = conversation.overlap
    if reader is None:
        return []
    missing = _find_ungiven(conversation, channel)
    again = conversation.once_more
    if again is not None and again.status == "ok" and channel != "progress":  # which the turn that reads makes too
        missing = [turn for turn in missing if not conversation.is_given(again, turn, channel)]
    return [turn for turn in missing if not _is_written_late(conversation, turn, reader)]


def _find_ungiven(conversation: Conversation, channel: Channel) -> list[Sent]:
    """The acknowledged overlapping turns that the reading turn was not given, for whatever reason."""
    _, during, reader = conversation.overlap
    if reader is None:
        return []
    return [turn for turn in during if turn.status == "ok" and not conversation.is_given(reader, turn, channel)]


def _is_written_late(conversation: Conversation, turn: Sent, reader: Sent) -> bool:
    """Whether a turn was only written when the reading one had been sent, as by a thread: no other overwrote it."""
    written = [op for f in _WRITTEN for op in conversation.with_marker(f, turn.marker) if op.action in WRITES]
    times = [op.time for op in written if op.type == "ok" and op.turn != reader.number]
    return bool(times) and min(times) > reader.sent


def is_window(control: Conversation, channel: Channel) -> bool:
    """Whether as many turns one after the other are not all given to a later one either: memory limits drop some."""
    *before, reader = control.turns
    return any(turn.status == "ok" and not control.is_given(reader, turn, channel) for turn in before)


def is_lost_in_sequence(conversation: Conversation, control: Conversation | None, channel: Channel) -> bool:
    """Whether as many turns one after the other are not all given to a later one either: no overlap's doing."""
    return control is not None and is_window(control, channel) and not has_room(conversation, control, channel)


def has_room(conversation: Conversation, control: Conversation, channel: Channel) -> bool:
    """Whether the reader is still given a turn that as many in sequence push out: memory limits dropped none here."""
    before, _, reader = conversation.overlap
    *earlier, last = control.turns
    if reader is None:
        return False
    pushed_out = {turn.number for turn in earlier if not control.is_given(last, turn, channel)}
    return any(turn.number in pushed_out and conversation.is_given(reader, turn, channel) for turn in before)


def check(
    conversation: Conversation, channel: Channel | None, control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation with an overlap.

    Args:
        channel: where the baseline showed that turns are remembered; None for what models are given.
        control: the same number of turns without overlap, if they were sent.

    Returns:
        `lost`, `reordered`, `kept`, `skipped` where the overlapping turns came from tabs that each had a conversation
        of its own, or `error` where the reading turn or all overlapping turns were refused, or it was not seen what
        the reading turn was given.
    """
    channel = channel or "model"
    before, during, reader = conversation.overlap
    acknowledged = [turn for turn in during if turn.status == "ok"]
    if reader is None or reader.status != "ok" or not before or before[0].status != "ok":
        return "error", "the turn that reads was not acknowledged: " + (reader.note if reader else "nothing was sent")
    if not acknowledged:
        return "error", f"none of the overlapping turns was acknowledged: {during[0].note if during else ''}"
    if channel == "model" and not conversation.calls_model(reader.number):  # a queue or a pool was behind by then
        return "error", f"turn {reader.number} ended before a model was asked for it: what it was given was not seen"
    if conversation.in_tabs and not any(conversation.is_given(turn, before[0], channel) for turn in acknowledged):
        return "skipped", "each tab of the page has a conversation of its own: those at once were not given turn 1"
    lost = find_missing(conversation, channel)
    held = conversation.held
    refused = len(during) - len(acknowledged)
    aside = f", {refused} refused" if refused else ""
    if lost and control is not None and is_lost_in_sequence(conversation, control, channel):
        if not is_suffix(control, channel):
            return "lost", "the model is not given the newest turns, nor where they come one after the other"
        return "kept", f"the memory is a window onto the newest turns ({name_limit(conversation)})"
    if lost:
        return "lost", (
            f"{len(lost)} of {len(acknowledged)} acknowledged overlapping turns are missing afterwards "
            f"({held} held at once{aside})"
        )
    if _is_interleaved(conversation, reader):
        return "reordered", f"all are kept, but questions and answers are interleaved ({held} held at once{aside})"
    how = "serialized: one turn at a time" if held <= 1 else f"{held} held at once"
    ungiven = _find_ungiven(conversation, channel)
    if ungiven:
        said = f"{len(ungiven)} turns were written after their answers, when a later turn had read"
        return "kept", f"{said} ({how}{aside})"
    return "kept", f"all {len(acknowledged)} acknowledged turns are kept ({how}{aside})"


def meets_another_loop(ops: Iterable[Op]) -> Op | None:
    """The first failure to use what belongs to another thread's event loop, which wakes nobody else that waits."""
    return next((op for op in ops if op.type == "fail" and _OTHER_LOOP.search(op.error)), None)


def _is_interleaved(conversation: Conversation, reader: Sent) -> bool:
    """Whether the reader's model was given answers to all earlier questions, but not each after its question."""
    calls = conversation.select("model", reader.number)
    speakers = map(list_speakers, calls)
    return any("uu" in each and each.count("a") >= each.count("u") - 1 for each in speakers)
