"""What the causes are asked about: the histories of a run, what the checks said, and where a marker went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.experiments import OTHER_SESSION
from statecheck.judge.checks.reading import (
    STATE,
    Channel,
    Sent,
    handed_back,
    handed_over,
    is_scratch,
    service_key,
    turns,
    writes,
)
from statecheck.judge.evidence.services import asked_keys, asked_tables
from statecheck.model import Anchor, Evidence, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.history import History, Op


@dataclass(frozen=True)
class Case:
    """One run, ready to be asked about.

    Attributes:
        channel: where the baseline showed that turns are remembered; None if it showed nothing.
        handler: where the endpoint is, the last resort for an anchor.
        versions: of the packages that decide how state is kept, in the target's environment.
    """

    histories: Mapping[str, History]
    outcomes: Mapping[str, Outcome]
    channel: Channel | None
    handler: Anchor
    versions: Mapping[str, str] = field(default_factory=dict)

    def lost(self, experiment: str) -> bool:
        """Whether an experiment ended in a loss."""
        return experiment in self.outcomes and self.outcomes[experiment].outcome == "lost"

    def kept(self, experiment: str) -> bool:
        """Whether an experiment kept every turn, in whatever order."""
        return experiment in self.outcomes and self.outcomes[experiment].outcome in ("kept", "reordered")

    def shared(self, place: Whereabouts | None) -> bool:
        """Whether a place holds one conversation for all: it has no key, and other sessions were given it."""
        seen = self.outcomes.get(OTHER_SESSION)
        return place is not None and place.key is None and seen is not None and seen.outcome == "leaked"

    def reason(self, experiment: str) -> Evidence:
        """What the check said, as evidence."""
        found = self.outcomes[experiment]
        return Evidence(experiment, f"{found.outcome}: {found.reason}")


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


def whereabouts(history: History, marker: str) -> list[Whereabouts]:
    """Every place in which a marker was seen to be kept: the user's own first, of these what holds a memory."""
    handed = handed_over(history, marker)
    put = next(iter(anchors(handed, "written")), None)
    found = [
        Whereabouts("process", op.where, op.key, op.pid, _definition(op) or put, op.is_text, _uses(op))
        for op in history.select("place")
        if marker in op.markers
    ]
    found += [
        Whereabouts("disk", op.where, None, op.pid, _file_anchor(history, op.where))
        for op in history.select("disk")
        if marker in op.markers
    ]
    found += [
        Whereabouts(
            "service", op.where, service_key(op.text), op.pid, anchor_of(op) or _statement_anchor(history, marker)
        )
        for op in history.select("wire", action="write")
        if marker in op.markers
    ]
    found = found or _memory_databases(history, marker)
    # an object that took a marker holds it itself only where it is not the client of a file or a service
    if any(place.kind != "process" for place in found):
        seen = {op.where for op in history.select("place") if op.is_text and marker in op.markers}
        found = [place for place in found if place.kind != "process" or place.text in seen]
    memories = {place.text for place in found if not place.is_text}
    unique: dict[tuple[str, str, str | None, int], Whereabouts] = {}
    for place in found:  # the user's name that is nearest to the text first
        unique.setdefault((place.kind, place.text, place.key, place.pid), place)
    return sorted(
        unique.values(),
        key=lambda p: (p.anchor is None, p.kind != "process", p.text not in memories, not p.is_text, p.key is None),
    )


def places(history: History, turn: Sent) -> list[Whereabouts]:
    """Where a turn is kept; what has no marker is where the app keeps something under the turn's session key."""
    found = whereabouts(history, turn.marker)
    if turn.key and not any(place.anchor for place in found):
        found += whereabouts(history, turn.key)
    return found


def _definition(op: Op) -> Anchor | None:
    """Where the name that a place hangs on is defined."""
    return next((Anchor(line.path, line.line) for line in op.lines if line.role == "defined"), None)


def _uses(op: Op) -> tuple[Anchor, ...]:
    return tuple(Anchor(line.path, line.line, line.role) for line in op.lines if line.role != "defined")


def anchor_of(op: Op | None) -> Anchor | None:
    """The user's innermost line in an op; None where there is no op, or it has no line of theirs."""
    return Anchor(op.frames[0].path, op.frames[0].line) if op is not None and op.frames else None


def asked_of_a_person(history: History, turn: Sent) -> Op | None:
    """What a turn's run asked a person, where nobody answered it in that turn."""
    answered = any(history.select("answers", turn.number))
    return None if answered else next(history.select("asks", turn.number), None)


def database_of(path: str) -> str:
    """The SQLite database that a write-ahead log or journal belongs to; any other path as it is."""
    return path.removesuffix("-wal").removesuffix("-journal")


def _memory_databases(history: History, marker: str) -> list[Whereabouts]:
    """The `:memory:` database that a process had open and sent a marker to: no search of its memory sees into one."""
    sent = [op for op in history.select("sql", action="write") if marker in op.markers and op.database == "sqlite"]
    opened = [op for op in history.select("file", action="database") if op.where == ":memory:"]
    made = {(op.pid, op.turn) for op in opened if op.turn}  # in a turn, and gone with it
    pids = {op.pid for op in sent if (op.pid, op.turn) not in made}
    return [Whereabouts("process", op.where, None, op.pid, anchor_of(op)) for op in opened if op.pid in pids]


def _file_anchor(history: History, path: str) -> Anchor | None:
    """The user's line that wrote a file or sent it a statement; else the one that opened it."""
    names = {path, database_of(path)}
    opened = [op for op in history.select("file") if op.frames and op.where in names]
    statements = [op for op in history.select("sql", action="write") if op.frames]
    written = [op for op in opened if op.action == "write"] or statements
    return next((anchor_of(op) for op in (*written, *opened)), None)


def _statement_anchor(history: History, marker: str) -> Anchor | None:
    """The user's line that sent a marker to a service, where only the relay saw the bytes (a client in C)."""
    said = (op for op in history.ops if op.f in ("wire", "sql") and op.action == "write" and op.database != "sqlite")
    return next((anchor_of(op) for op in said if op.frames and marker in op.markers), None)


def built(history: History, marker: str, turn: Sent) -> list[Op]:
    """Constructions of the objects that a marker was written to in a turn, the innermost backing store first."""
    written = writes(history, turn.number, marker)
    objects = dict.fromkeys((op.pid, op.obj) for op in written if op.obj)
    found = [
        op
        for number in objects
        for op in history.select(action="build")
        if (op.pid, op.obj) == number and op.generation == turn.generation
    ]
    order = {"chat-store": 0, "memory": 1, "block": 2}
    return sorted(found, key=lambda op: order.get(op.f, 3))


def intended(history: History) -> bool:
    """Whether turn 1 put its marker into conversation state, or into a store of the app's own that turn 2 reads."""
    sent = turns(history)
    if len(sent) < 2:
        return False
    first, second = sent[:2]
    if handed_over(history, first.marker, first.number) and handed_back(history, second.number):
        return True
    stores = writes(history, first.number, first.marker), read_again(history, first, second)
    return any(stores) or memory_database(history, first, second) is not None


def memory_database(history: History, first: Sent, second: Sent) -> Op | None:
    """The opening of a `:memory:` database that took turn 1's marker in its own request, where turn 2 asks one too."""
    asked = any(op.action == "send" for op in history.select("sql", second.number))
    for op in history.select("sql", first.number, "write") if asked else ():
        if first.marker in op.markers:
            opened = [each for each in history.select("file", first.number, "database") if each.time <= op.time]
            return opened[-1] if opened and opened[-1].where == ":memory:" else None
    return None


def carried(history: History) -> bool:
    """Whether turn 2 brought turn 1 along, in its browser or in what turn 1's answer was, and no server keeps it."""
    first, *later = turns(history)
    brought = any(op.carried for op in history.select("turn", 2)) or any(turn.renewed for turn in later[:1])
    return brought and not any(place.anchor or place.kind == "service" for place in whereabouts(history, first.marker))


def read_again(history: History, first: Sent, second: Sent) -> Whereabouts | None:
    """A file, database or service of the app's own that has turn 1's marker and that turn 2 reads, or None."""
    for place in whereabouts(history, first.marker):
        if place.kind == "service":
            asked = [op for op, _ in asked_keys(history, first, second)]
            asked += asked_tables(history, first, second, "wire")
            if any((op.where, service_key(op.text)) == (place.text, place.key) for op in asked):
                return place
        if place.kind == "disk":
            names = {place.text, database_of(place.text)}
            queried = any(asked_tables(history, first, second, "sql"))
            for op in history.select("file", second.number):
                if op.where in names and (op.action == "read" or (op.action == "database" and queried)):
                    return place
    return None


def keys_of(ops: Iterable[Op]) -> set[str]:
    """The keys that ops carry."""
    return {op.key for op in ops if op.key is not None}


def state_ops(history: History, turn: int) -> list[Op]:
    """All ops of a turn on conversation state, construction included."""
    return [op for op in history.select(turn=turn) if op.f in STATE and not is_scratch(history, op)]


def anchors(ops: Iterable[Op], text: str) -> list[Anchor]:
    """The user's innermost lines of these ops, each once."""
    lines = dict.fromkeys((op.frames[0].path, op.frames[0].line) for op in ops if op.frames)
    return [Anchor(path, line, text) for path, line in lines]


def mapped(history: History, turn: Sent) -> Anchor | None:
    """Where the app keeps something in memory under the client's key: what leads to a store elsewhere."""
    found = whereabouts(history, turn.key) if turn.key is not None else []
    return next((place.anchor for place in found if place.kind == "process" and place.anchor), None)


def line_of(history: History, turn: Sent) -> Anchor | None:
    """The user's line that leads to what keeps a turn, or that gave it to that, else to the model."""
    put = [*handed_over(history, turn.marker, turn.number), *built(history, turn.marker, turn)]
    stored = [place.anchor for place in whereabouts(history, turn.marker) if place.anchor]
    found = [mapped(history, turn), *anchors(put, ""), *stored]
    return next(filter(None, [*found, *anchors(history.select("model", turn.number, "read"), "")]), None)


def related(history: History, turn: Sent, marker: str, anchor: Anchor) -> tuple[Anchor, ...]:
    """Where the state that a marker went to is written and read, but for the anchor itself."""
    ops = state_ops(history, turn.number)
    wire = [op for op in history.select(turn=turn.number) if op.f in ("wire", "sql")]
    found = [
        *anchors(writes(history, turn.number, marker), "written"),
        *anchors(handed_over(history, marker, turn.number), "written"),
        *anchors([op for op in wire if op.action == "write"], "written"),
        *anchors([op for op in history.select("file", turn.number) if op.action == "write"], "written"),
        *anchors([op for op in ops if op.action in ("read", "load")], "read"),
        *anchors([op for op in wire if op.action == "send"], "read"),
        *anchors(handed_back(history, turn.number), "read"),
    ]
    kept = places(history, turn) if marker == turn.marker else whereabouts(history, marker)
    found += [use for place in kept for use in place.uses]
    unique: dict[tuple[str, int], Anchor] = {}
    for place in found:
        if (place.path, place.line) != (anchor.path, anchor.line):
            unique.setdefault((place.path, place.line), place)
    return tuple(unique.values())
