"""Where a marker was seen to be kept: in memory, on a disk, in a service. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.lines import anchor_of, anchors
from statecheck.model import Anchor

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One place where a marker was found.

    Attributes:
        kind: `process` (memory), `disk` or `service`.
        text: in words: `main.sessions['sc-1']`, `data/chat.db`, `127.0.0.1:6379`.
        key: under which it stands there, if that was seen.
        anchor: where the place is defined or written to in the user's code, if that was seen.
        uses: where the user's code writes to it and reads from it.
        is_text: the text itself was seen there, not only an object that was given it.
    """

    kind: str
    text: str
    key: str | None
    pid: int
    anchor: Anchor | None
    is_text: bool = True
    uses: tuple[Anchor, ...] = ()


def find_whereabouts(conversation: Conversation, marker: str) -> list[Whereabouts]:
    """Every place in which a marker was seen to be kept: the user's own first, of these what holds a memory."""
    handed = conversation.handed_over(marker)
    put = next(iter(anchors(handed, "written")), None)
    in_memory = conversation.with_marker("place", marker)
    found = [
        Whereabouts("process", op.where, op.key, op.pid, _definition_of(op) or put, op.is_text, _uses_of(op))
        for op in in_memory
    ]
    found += [
        Whereabouts("disk", op.where, None, op.pid, _file_anchor(conversation, op.where))
        for op in conversation.with_marker("disk", marker)
    ]
    statement = _statement_anchor(conversation, marker)
    found += [
        Whereabouts("service", op.where, service_key(op.text), op.pid, anchor_of(op) or statement)
        for op in conversation.with_marker("wire", marker)
        if op.action == "write"
    ]
    found = found or _memory_databases(conversation, marker)
    # an object that took a marker holds it itself only where it is not the client of a file or a service
    if any(place.kind != "process" for place in found):
        seen = {op.where for op in in_memory if op.is_text}
        found = [place for place in found if place.kind != "process" or place.text in seen]
    memories = {place.text for place in found if not place.is_text}
    unique: dict[tuple[str, str, str | None, int], Whereabouts] = {}
    for place in found:  # the user's name that is nearest to the text first
        unique.setdefault((place.kind, place.text, place.key, place.pid), place)
    return sorted(
        unique.values(),
        key=lambda p: (p.anchor is None, p.kind != "process", p.text not in memories, not p.is_text, p.key is None),
    )


def find_places(conversation: Conversation, turn: Sent) -> list[Whereabouts]:
    """Where a turn is kept; what has no marker is where the app keeps something under the turn's session key."""
    found = find_whereabouts(conversation, turn.marker)
    if turn.key and not any(place.anchor for place in found):
        found += find_whereabouts(conversation, turn.key)
    return found


def find_first_places(conversation: Conversation) -> list[Whereabouts]:
    """Where the first turn is kept; nowhere, where no turn was recorded."""
    return [place for turn in conversation.turns[:1] for place in find_places(conversation, turn)]


def find_mapping(conversation: Conversation, turn: Sent) -> Anchor | None:
    """Where the app keeps something in memory under the client's key: what leads to a store elsewhere."""
    found = find_whereabouts(conversation, turn.key) if turn.key is not None else []
    return next((place.anchor for place in found if place.kind == "process" and place.anchor), None)


def database_of(path: str) -> str:
    """The SQLite database that a write-ahead log or journal belongs to; any other path as it is."""
    return path.removesuffix("-wal").removesuffix("-journal")


def _definition_of(op: Op) -> Anchor | None:
    """Where the name that a place hangs on is defined."""
    return next((Anchor(line.path, line.line) for line in op.lines if line.role == "defined"), None)


def _uses_of(op: Op) -> tuple[Anchor, ...]:
    return tuple(Anchor(line.path, line.line, line.role) for line in op.lines if line.role != "defined")


def _memory_databases(conversation: Conversation, marker: str) -> list[Whereabouts]:
    """The `:memory:` database that a process had open and sent a marker to: no search of its memory sees into one."""
    statements = conversation.with_marker("sql", marker)
    sent = [op for op in statements if op.action == "write" and op.database == "sqlite"]
    opened = [op for op in conversation.on_file(":memory:") if op.action == "database"]
    made = {(op.pid, op.turn) for op in opened if op.turn}  # in a turn, and gone with it
    pids = {op.pid for op in sent if (op.pid, op.turn) not in made}
    return [Whereabouts("process", op.where, None, op.pid, anchor_of(op)) for op in opened if op.pid in pids]


def _file_anchor(conversation: Conversation, path: str) -> Anchor | None:
    """The user's line that wrote a file or sent it a statement; else the one that opened it."""
    paths = dict.fromkeys((path, database_of(path)))
    opened = [op for each in paths for op in conversation.on_file(each) if op.frames and op.action != "miss"]
    opened.sort(key=lambda op: op.time)
    written = next((op for op in opened if op.action == "write"), None) or conversation.first_statement
    return anchor_of(written or next(iter(opened), None))


def _statement_anchor(conversation: Conversation, marker: str) -> Anchor | None:
    """The user's line that sent a marker to a service, where only the relay saw the bytes (a client in C)."""
    said = [*conversation.with_marker("wire", marker), *conversation.with_marker("sql", marker)]
    sent = [op for op in said if op.action == "write" and op.database != "sqlite" and op.frames]
    return anchor_of(min(sent, key=lambda op: op.time, default=None))
