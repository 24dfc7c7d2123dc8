"""The table of turns: for each turn, what was sent, where the app looked, what it wrote and what it was given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.experiments import OTHER_SESSION
from statecheck.judge.checks.lost_update import overlapping
from statecheck.judge.checks.reading import STATE, Channel, Sent, channels, given, own_reads, service_key, turns, writes
from statecheck.model import Turn

if TYPE_CHECKING:
    from statecheck.history import History


def rows(history: History, channel: Channel | None) -> tuple[Turn, ...]:
    """One row a turn, in order."""
    sent = turns(history)
    _, overlapped, _ = overlapping(history)
    found = [_row(history, turn, _earlier(history, sent, turn), channel) for turn in sent]
    among = {turn.number for turn in overlapped}  # what these are given is not judged: the turn that reads later is
    return tuple(replace(row, remembered=None) if row.number in among else row for row in found)


def _earlier(history: History, sent: list[Sent], turn: Sent) -> list[Sent]:
    """The acknowledged turns of the same session that had ended before this one was sent."""
    if history.experiment == OTHER_SESSION:
        return [other for other in sent if other.number < turn.number]
    return [other for other in sent if other.status == "ok" and other.ended <= turn.sent and other is not turn]


def _row(history: History, turn: Sent, earlier: list[Sent], channel: Channel | None) -> Turn:
    shown: tuple[int, int] | None = None
    remembered: bool | None = None
    if turn.status == "ok" and earlier:
        through = [channel] if channel else list(channels(history, turn))
        seen = {marker for one in through for marker in given(history, turn, one)}
        shown = (sum(other.marker in seen for other in earlier), len(earlier))
        remembered = shown[0] == shown[1]
        if history.experiment == OTHER_SESSION:
            remembered = shown[0] > 0
    return Turn(
        turn.number,
        turn.pid,
        turn.generation,
        turn.key,
        _looked_up(history, turn),
        _wrote(history, turn),
        shown,
        remembered,
        turn.status,
        "" if turn.status == "ok" else turn.note,
    )


def _looked_up(history: History, turn: Sent) -> str | None:
    """The key under which state was looked up in this turn: a store's, else that of the app's own container."""
    for op in own_reads(history, turn.number):
        if op.key is not None:
            return op.key
    for op in history.select(turn=turn.number):
        if op.f in (*STATE, "cache") and op.key is not None:
            return op.key
    for op in history.select("place"):
        if {turn.marker, turn.key} & {*op.markers} and op.key is not None:
            return op.key
    sent = [op for op in history.select("wire", turn.number) if op.action == "send" or turn.marker in op.markers]
    sent.sort(key=lambda op: turn.marker not in op.markers)  # of several keys the one that takes the turn
    return next((key for op in sent if (key := service_key(op.text)) is not None), None)


def _wrote(history: History, turn: Sent) -> str:
    written = writes(history, turn.number, turn.marker)
    durable = next((op for op in reversed(written) if "://" in op.where and ":memory:" not in op.where), None)
    if durable is not None:
        return f"{durable.cls} ({durable.where})"
    for op in history.select("place"):
        if {turn.marker, turn.key} & {*op.markers} and op.lines:
            return op.where
    if written:
        last = written[-1]
        place = last.name or last.where
        return f"{last.cls} ({place})" if place else last.cls
    for op in (*history.select("disk"), *history.select("wire")):
        if turn.marker in op.markers:
            return f"{'file' if op.f == 'disk' else 'service'} {op.where}"
    return ""
