"""What a history says of each turn: who served it, what it wrote and what it was given. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.judge.checks.state_values import changed, read_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statecheck.history import History, Op
    from statecheck.probe.ops import OpKind

Channel = Literal["model", "answer", "state", "progress"]
WRITES = ("write", "overwrite", "mutate")
"""What puts something into state; `mutate` does so only where the state is in memory."""
_FRAMEWORKS: tuple[OpKind, ...] = ("session", "cache")
_BEFORE = 8  # characters before a marker that tell who says it
STATE = ("memory", "chat-store", "ctx-store", "block")


@dataclass(frozen=True, slots=True)
class Sent:
    """One turn as the driver saw it.

    Attributes:
        marker: the token in its text.
        key: the session key that was sent, or that the answer gave (then it is `given`); None if there is none.
        status: `ok`, `fail` (refused) or `info` (in flight when its worker died, or no answer).
        answer: the text that came back.
        code: the answer's HTTP status; 0 if nothing came back.
        note: why it was not acknowledged, in words: an error, else that status.
        sent, ended: monotonic nanoseconds.
        renewed: its answer gave the client another key to send next.
    """

    number: int
    marker: str
    key: str | None
    pid: int
    generation: int
    status: Literal["ok", "fail", "info"]
    answer: str
    code: int
    note: str
    sent: int
    ended: int
    given: bool = False
    renewed: bool = False


def turns(history: History) -> list[Sent]:
    """The turns, in their order."""
    invoked: dict[int, Op] = {}
    ended: dict[int, Op] = {}
    for op in history.select("turn"):
        if not op.markers:
            continue  # not a driver's op
        (invoked if op.type == "invoke" else ended).setdefault(op.turn, op)
    found = []
    for number in sorted({*invoked, *ended}):
        end = ended.get(number)
        start = invoked.get(number, end)
        assert start is not None
        status = end.type if end is not None and end.type in ("ok", "fail") else "info"
        found.append(
            Sent(
                number,
                start.markers[0],
                start.key if start.key is not None or end is None else end.key,
                start.pid,
                start.generation,
                status,
                end.text if end is not None else "",
                end.status if end is not None else 0,
                (end.error or (f"HTTP {end.status}" if end.status else "")) if end is not None else "",
                start.time,
                end.time if end is not None else start.time,
                start.key is None and end is not None and end.key is not None,
                start.key is not None and end is not None and end.key not in (None, start.key),
            )
        )
    return found


def is_scratch(history: History, op: Op) -> bool:
    """Whether a context-store op is on a value that its run sets before it reads, or is the library's own.

    Such a value is used within one run: it makes no conversation.
    """
    if op.f != "ctx-store":
        return False
    if op.by_library:
        return True
    for other in history.ops:
        if other.f == "ctx-store" and other.turn == op.turn and _same_value(other, op):
            return other.action != "read"
    return False


def _same_value(one: Op, other: Op) -> bool:
    return one.run == other.run and (one.name == other.name or not one.name or not other.name)


def own_reads(history: History, turn: int) -> Iterator[Op]:
    """Reads of conversation state in this turn."""
    for op in history.select(turn=turn):
        if op.f in STATE and op.action in ("read", "load") and op.type == "ok" and not is_scratch(history, op):
            yield op


def writes(history: History, turn: int, marker: str) -> list[Op]:
    """Acknowledged writes of this marker to conversation state in this turn, in order.

    Where there are none: those to Context values that stand in for it.
    """
    marked = [
        op
        for op in history.select(turn=turn)
        if op.f in STATE
        and op.action in WRITES
        and op.type == "ok"
        and marker in op.markers
        and not is_scratch(history, op)
    ]
    return marked or changed(history, turn)


def handed_over(history: History, marker: str, turn: int | None = None) -> list[Op]:
    """What the app gave its framework to keep with this marker: writes to a session or cache, else what it read there.

    A list in a session may be appended to in place: then only the read of it is seen. A cache of answers, in which
    the user's words are not, keeps no conversation.
    """
    kept = [op for f in _FRAMEWORKS for op in history.select(f, turn) if marker in op.markers and op.frames]
    kept = [op for op in kept if op.f != "cache" or marker not in op.text or is_said(history, op.text, marker)]
    return [op for op in kept if op.action == "write"] or kept


def is_said(history: History, text: str, marker: str) -> bool:
    """Whether a text has the words that stand before the marker where the user says it, and not those of an answer."""
    said = next((op.text for op in history.select("turn") if op.type == "invoke" and marker in op.markers), "")
    return said.partition(marker)[0][-_BEFORE:].lower() in text.lower()


def handed_back(history: History, turn: int) -> list[Op]:
    """What the app asked its framework's session or cache for in this turn."""
    return [op for f in _FRAMEWORKS for op in history.select(f, turn, "read") if op.frames]


def unsaved(history: History, turn: Sent) -> Op | None:
    """The change of a framework's session in place that this turn was put into, and that marks nothing to be saved."""
    changed = (op for op in history.select("session", turn.number) if op.action == "mutate")
    return next((op for op in changed if turn.marker in op.markers), None)


def refused(history: History, turn: Sent) -> Op | None:
    """The refusal of a signature in a turn: of a cookie, or a stored session, that another process has signed."""
    return next((op for op in history.select("signature", turn.number) if op.type == "fail"), None)


def given(history: History, turn: Sent, channel: Channel) -> tuple[str, ...]:
    """The markers that a turn was given through one channel, in order.

    The model's input, what it read, its answer, or how far its answer shows the conversation to be.
    """
    if channel == "model":
        return _markers(history.select("model", turn.number))
    if channel == "state":
        return _markers(own_reads(history, turn.number)) or _markers(_read_back(history, turn.number))
    if channel == "progress":
        return _markers(history.select("progress", turn.number))
    return tuple(dict.fromkeys(_in_text(turn.answer)))


def calls_model(history: History, turn: int) -> bool:
    """Whether a turn called a model at all."""
    return next(history.select("model", turn), None) is not None


def channels(history: History, turn: Sent) -> tuple[Channel, ...]:
    """The channels that can show what a turn remembers, the strongest first.

    The model's input, where a model is called. An echo model repeats in its answer what it was given, so an answer
    counts only where no model was called.
    """
    return ("model", "state") if calls_model(history, turn.number) else ("answer", "state", "progress")


def remembered_by(history: History, turn: Sent, marker: str) -> Channel | None:
    """The strongest channel through which a turn was given this marker, or None."""
    return next((c for c in channels(history, turn) if marker in given(history, turn, c)), None)


def _read_back(history: History, turn: int) -> Iterator[Op]:
    """What was sent in the turns whose values a turn read back."""
    for number in sorted(read_back(history, turn)):
        yield from history.select("turn", number)


def _markers(ops: Iterable[Op]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(marker for op in ops for marker in op.markers))


def _in_text(text: str) -> list[str]:
    from statecheck.probe.markers import MARKER

    return MARKER.findall(text)


_RESP = re.compile(r"\*\d+\r\n\$\d+\r\n(\w+)\r\n\$\d+\r\n([^\r]*)\r\n")


def service_key(text: str) -> str | None:
    """The key of a Redis command as it goes over the wire; None for other protocols."""
    found = _RESP.match(text)
    return found[2] if found else None
