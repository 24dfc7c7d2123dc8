"""Mixing: sessions whose turns overlap are not given each other's, and each keeps its own.

As in `isolation`, with turns of both sessions under way at once: what is shared by all requests is exchanged between
the reads of one and its writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.experiments import SESSIONS
from statecheck.judge.checks.unanswered import find_unanswered, report_unanswered
from statecheck.judge.conversation.conversation import WRITES, service_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName

_SHORTEST_KEY = 8  # shorter ones may stand anywhere


@dataclass(frozen=True, slots=True)
class Leak:
    """A turn that was given what another session's turn said, and how that was seen."""

    turn: Sent
    other: Sent
    how: str


def find_leaks(conversation: Conversation) -> Iterator[Leak]:
    """Yield what turns were given of other sessions, in the order of the turns.

    What counts is what a model was given, answers of the past included; where no model is called, what the turn's
    answer shows. That a turn read a file or a table which holds all sessions shows nothing.
    """
    sessions = _read_sessions(conversation)
    own: dict[int | None, set[str]] = {}
    for turn in conversation.turns:
        own.setdefault(sessions.get(turn.number), set()).add(turn.marker)
    foreign = {one: [turn for turn in conversation.turns if turn.marker not in mine] for one, mine in own.items()}
    for turn in conversation.turns:
        for other in foreign[sessions.get(turn.number)]:
            if other.sent < turn.ended and (how := _shown(conversation, turn, other)):
                yield Leak(turn, other, how)


def _read_sessions(conversation: Conversation) -> dict[int, int]:
    """Return the session of each turn, by the turn's number."""
    return dict(zip(conversation.numbers, SESSIONS.get(conversation.experiment, ()), strict=False))


def _shown(conversation: Conversation, turn: Sent, other: Sent) -> str:
    """How a turn shows that it was given another: in words, or "" where nothing does."""
    calls = list(conversation.select("model", turn.number))
    if any(other.marker in op.markers or other.marker in op.text for op in calls):
        return "its model was given it"
    return "its answer shows it" if not calls and other.marker in turn.answer else ""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A turn that was written where another session is kept, and nowhere where its own is."""

    turn: Sent
    other: Sent
    where: str


def find_misplaced(conversation: Conversation) -> Iterator[Misplaced]:
    """Yield the turns of the overlap that were written under another session's key alone, though not before it.

    What is there at the end, and so whether the other session is given it, is a matter of which turn wrote last.
    """
    before, during, _ = conversation.overlap
    firsts = {turn.key: turn for turn in reversed(before) if turn.key and len(turn.key) >= _SHORTEST_KEY}
    for turn in during:
        key = turn.key or ""
        if key not in firsts or not any(key in name for name in _places_written(conversation, firsts[key])):
            continue
        written = _places_written(conversation, turn)
        if not any(key in name for name in written):
            others = ((other, first) for other, first in firsts.items() if other != key)
            yield from (Misplaced(turn, first, name) for other, first in others for name in written if other in name)


def _places_written(conversation: Conversation, turn: Sent) -> list[str]:
    """Return what names the places that a turn was written to: files, and keys of services, tables and stores.

    A turn may also put away what another said, as a cache does that is full.
    """
    ops = [op for op in conversation.select(turn=turn.number) if op.action in WRITES and op.type == "ok"]
    ops = [op for op in ops if not op.markers or turn.marker in op.markers]
    names = [
        (op.where if op.f == "file" else "", op.key or "", service_key(op.text) or "", *op.arguments) for op in ops
    ]
    return [name for each in names for name in each if name]


def _begins_anew(control: Conversation | None, channel: Channel) -> bool:
    """Whether one session's third turn is not given its second either: an answer that a question waited for."""
    turns = control.turns if control is not None else ()
    return control is not None and len(turns) > 2 and not control.is_given(turns[2], turns[1], channel)


def find_pushed_out(conversation: Conversation, channel: Channel) -> tuple[Sent, Sent] | None:
    """Return a turn that was not given an earlier one of its session, after turns of others, and that earlier one."""
    sessions = _read_sessions(conversation)
    earlier: dict[int, Sent] = {}
    for turn in conversation.turns:
        before = earlier.setdefault(sessions.get(turn.number, 0), turn)
        if before is turn or before.status != "ok" or turn.status != "ok":
            continue
        if not conversation.is_given(turn, before, channel):
            return turn, before
    return None


def find_forgotten(conversation: Conversation, channel: Channel, control: Conversation | None = None) -> list[Sent]:
    """The acknowledged turns of the overlap that the next turn of the same session was not given.

    Only where both sessions still had their own turn before the overlap: what is forgotten because of another
    session's turn alone, as by a cache that holds few, is not forgotten by the overlap.
    """
    sessions = _read_sessions(conversation)
    before, during, _ = conversation.overlap
    if _begins_anew(control, channel):
        return []
    after = [turn for turn in conversation.turns if turn not in during and turn not in before]
    forgotten: list[Sent] = []
    for turn in during:
        same = [t for t in (*before, *after) if sessions.get(t.number) == sessions.get(turn.number)]
        if len(same) < 2 or any(t.status != "ok" for t in (*same, turn)):
            return []
        first, reader = same[0], same[-1]
        if not conversation.is_given(turn, first, channel):
            return []
        if not conversation.is_given(reader, turn, channel):
            forgotten.append(turn)
    return forgotten


def check(
    conversation: Conversation, channel: Channel | None, control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation in which turns of two sessions overlap.

    Args:
        channel: where the baseline showed that turns are remembered; None for what models are given.
        control: one session's turns in one process, one after the other, if they were sent.

    Returns:
        `leaked`, `lost` (a turn of the overlap is missing in its own session), `isolated`, or `error` where no turn
        of the overlap, or none after it, was acknowledged; and a sentence.
    """
    before, during, reader = conversation.overlap
    unanswered = find_unanswered(before or conversation.turns[:1])
    if unanswered is not None:
        return report_unanswered(unanswered)
    leak = next(find_leaks(conversation), None)
    if leak is not None:
        return "leaked", f"turn {leak.turn.number} was given turn {leak.other.number} of another session ({leak.how})"
    misplaced = next(find_misplaced(conversation), None)
    if misplaced is not None:
        return (
            "leaked",
            f"turn {misplaced.turn.number} was written to `{misplaced.where}`, where another session is kept",
        )
    if reader is None or reader.status != "ok":
        return "error", "the turn that reads was not acknowledged: " + (reader.note if reader else "nothing was sent")
    refused = [turn for turn in during if turn.status != "ok"]
    if len(refused) == len(during):
        return "error", f"none of the overlapping turns was acknowledged: {refused[0].note if refused else ''}"
    forgotten = find_forgotten(conversation, channel or "model", control)
    if forgotten:
        numbers = ", ".join(str(turn.number) for turn in forgotten)
        return "lost", f"a turn of another session at the same time overwrote turn {numbers}"
    how = "one turn at a time" if conversation.held <= 1 else f"{conversation.held} held at once"
    return "isolated", f"neither session was given anything of the other ({how})"
