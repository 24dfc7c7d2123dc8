"""The table of turns: for each turn, what was sent, where the app looked, what it wrote and what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.experiments import BACK_AGAIN, SESSIONS
from statecheck.judge.conversation.conversation import STATE, Conversation, service_key
from statecheck.model import Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.judge.conversation.sent import Channel, Sent
    from statecheck.judge.conversation.turn_index import Turns


def make_rows(conversation: Conversation, channel: Channel | None) -> tuple[Turn, ...]:
    """One row a turn, in order."""
    _, overlapped, _ = conversation.overlap if conversation.experiment not in SESSIONS else ((), (), None)
    among = {turn.number for turn in overlapped}  # what these are given is not judged: the turn that reads later is
    places = _read_places(conversation)
    return tuple(
        _make_row(
            conversation, turn, before & conversation.run_of(turn), channel, places, judged=turn.number not in among
        )
        for turn, before in zip(conversation.turns, _read_earlier(conversation), strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """Where markers and session keys were found in memory.

    Attributes:
        keys, names: by each, the first key under which it stands, and the first place of the user's own, with their
            order.
    """

    keys: dict[str, tuple[int, str]] = field(default_factory=dict)
    names: dict[str, tuple[int, str]] = field(default_factory=dict)


def _read_places(conversation: Conversation) -> _Places:
    found = _Places()
    for order, op in enumerate(conversation.select("place")):
        for marker in op.markers:
            if op.key is not None:
                found.keys.setdefault(marker, (order, op.key))
            if op.lines:
                found.names.setdefault(marker, (order, op.where))
    return found


def _first(found: dict[str, tuple[int, str]], turn: Sent) -> str | None:
    """The first that was found of a turn's marker or of its session key."""
    both = [found[word] for word in (turn.marker, turn.key) if word is not None and word in found]
    return min(both)[1] if both else None


def _read_earlier(conversation: Conversation) -> list[Turns]:
    """For each turn the set of the acknowledged ones of its session that had ended before it was sent.

    Where there are several sessions: of what others had sent before it ended, which it must not be given.
    """
    turns = conversation.turns
    if conversation.experiment == BACK_AGAIN:
        return [*(0 for _ in turns[:-1]), *(1 for _ in turns[-1:])]  # of the first turn alone something is due
    if conversation.experiment in SESSIONS:
        return _read_others(turns, SESSIONS[conversation.experiment])
    ended = sorted((turn.ended, position) for position, turn in enumerate(turns) if turn.status == "ok")
    found = [0] * len(turns)
    before = upto = 0
    for position in sorted(range(len(turns)), key=lambda position: turns[position].sent):
        while upto < len(ended) and ended[upto][0] <= turns[position].sent:
            before |= 1 << ended[upto][1]
            upto += 1
        found[position] = before & ~(1 << position)
    return found


def _read_others(turns: Sequence[Sent], sessions: Sequence[int]) -> list[Turns]:
    numbered = list(enumerate(zip(turns, sessions, strict=False)))
    own = {(turn.marker, session) for _, (turn, session) in numbered}  # both may say the same
    found = [0] * len(turns)
    for at, (turn, session) in numbered:
        for position, (other, its) in numbered:
            if its != session and other.sent < turn.ended and (other.marker, session) not in own:
                found[at] |= 1 << position
    return found


def _make_row(
    conversation: Conversation, turn: Sent, earlier: Turns, channel: Channel | None, places: _Places, *, judged: bool
) -> Turn:
    shown: tuple[int, int] | None = None
    remembered: bool | None = None
    if turn.status == "ok" and earlier:
        seen = 0
        for one in [channel] if channel else conversation.channels(turn):
            seen |= conversation.given(turn, one)
        shown = ((seen & earlier).bit_count(), earlier.bit_count())
        apart = conversation.experiment in SESSIONS and conversation.experiment != BACK_AGAIN
        remembered = shown[0] > 0 if apart else shown[0] == shown[1]
    return Turn(
        turn.number,
        turn.pid,
        turn.generation,
        turn.key,
        _find_key(conversation, turn, places),
        _name_place(conversation, turn, places),
        shown,
        remembered if judged else None,
        turn.status,
        "" if turn.status == "ok" else turn.note,
    )


def _find_key(conversation: Conversation, turn: Sent, places: _Places) -> str | None:
    """The key under which state was looked up in this turn: a store's, else that of the app's own container."""
    used = (op for op in conversation.select(turn=turn.number) if op.f in (*STATE, "cache"))
    for op in (*conversation.own_reads(turn.number), *used):
        if op.key is not None:
            return op.key
    key = _first(places.keys, turn)
    if key is not None:
        return key
    sent = [op for op in conversation.select("wire", turn.number) if op.action == "send" or turn.marker in op.markers]
    sent.sort(key=lambda op: turn.marker not in op.markers)  # of several keys the one that takes the turn
    return next((key for op in sent if (key := service_key(op.text)) is not None), None)


def _name_place(conversation: Conversation, turn: Sent, places: _Places) -> str:
    """Where a turn's marker went, in words, or ""."""
    written = conversation.writes(turn.number, turn.marker)
    durable = next((op for op in reversed(written) if "://" in op.where and ":memory:" not in op.where), None)
    if durable is not None:
        return f"{durable.cls} ({durable.where})"
    name = _first(places.names, turn)
    if name is not None:
        return name
    if written:
        last = written[-1]
        place = last.name or last.where
        return f"{last.cls} ({place})" if place else last.cls
    for op in (*conversation.with_marker("disk", turn.marker), *conversation.with_marker("wire", turn.marker)):
        return f"{'file' if op.f == 'disk' else 'service'} {op.where}"
    return ""
