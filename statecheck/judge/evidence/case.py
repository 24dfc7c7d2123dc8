"""What the causes are asked about: the conversations of a run, what the checks said, and where a marker went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.experiments import OTHER_SESSION
from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.services import asked_keys, asked_tables
from statecheck.model import Anchor, Evidence, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.history import Op
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.probe.ops import OpKind


@dataclass(frozen=True)
class Case:
    """One run, ready to be asked about.

    Attributes:
        channel: where the baseline showed that turns are remembered; None if it showed nothing.
        handler: where the endpoint is, the last resort for an anchor.
        versions: of the packages that decide how state is kept, in the target's environment.
        framework: by which the app is driven.
        workers: the largest number of workers or replicas that the project's files ask for; 0 where none does.
        polls: the app is a bot that asks for its messages, of which only one process may run.
        carries_history: the client sends the whole conversation with every turn.
    """

    conversations: Mapping[str, Conversation]
    outcomes: Mapping[str, Outcome]
    channel: Channel | None
    handler: Anchor
    versions: Mapping[str, str] = field(default_factory=dict)
    framework: str = ""
    workers: int = 0
    polls: bool = False
    carries_history: bool = False

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


def _definition_of(op: Op) -> Anchor | None:
    """Where the name that a place hangs on is defined."""
    return next((Anchor(line.path, line.line) for line in op.lines if line.role == "defined"), None)


def _uses_of(op: Op) -> tuple[Anchor, ...]:
    return tuple(Anchor(line.path, line.line, line.role) for line in op.lines if line.role != "defined")


def anchor_of(op: Op | None) -> Anchor | None:
    """The user's innermost line in an op; None where there is no op, or it has no line of theirs."""
    return Anchor(op.frames[0].path, op.frames[0].line) if op is not None and op.frames else None


def find_request(conversation: Conversation, turn: Sent) -> Op | None:
    """What a turn's run asked a person, where nobody answered it in that turn."""
    answered = any(conversation.select("answers", turn.number))
    return None if answered else next(conversation.select("asks", turn.number), None)


def database_of(path: str) -> str:
    """The SQLite database that a write-ahead log or journal belongs to; any other path as it is."""
    return path.removesuffix("-wal").removesuffix("-journal")


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
    opened = [op for each in paths for op in conversation.on_file(each) if op.frames]
    opened.sort(key=lambda op: op.time)
    written = next((op for op in opened if op.action == "write"), None) or conversation.first_statement
    return anchor_of(written or next(iter(opened), None))


def _statement_anchor(conversation: Conversation, marker: str) -> Anchor | None:
    """The user's line that sent a marker to a service, where only the relay saw the bytes (a client in C)."""
    said = [*conversation.with_marker("wire", marker), *conversation.with_marker("sql", marker)]
    sent = [op for op in said if op.action == "write" and op.database != "sqlite" and op.frames]
    return anchor_of(min(sent, key=lambda op: op.time, default=None))


def find_builds(conversation: Conversation, marker: str, turn: Sent) -> list[Op]:
    """Constructions of the objects that a marker was written to in a turn, the innermost backing store first."""
    written = conversation.writes(turn.number, marker)
    objects = dict.fromkeys((op.pid, op.obj) for op in written if op.obj)
    builds = [op for pid, obj in objects for op in conversation.builds_of(pid, obj)]
    order: dict[OpKind, int] = {"chat-store": 0, "memory": 1, "block": 2}
    return sorted((op for op in builds if op.generation == turn.generation), key=lambda op: order.get(op.f, 3))


def is_intended(conversation: Conversation) -> bool:
    """Whether turn 1 put its marker into conversation state, or into a store of the app's own that turn 2 reads."""
    sent = conversation.turns
    if len(sent) < 2:
        return False
    first, second = sent[:2]
    if conversation.handed_over(first.marker, first.number) and conversation.handed_back(second.number):
        return True
    stores = conversation.writes(first.number, first.marker), find_read_again(conversation, first, second)
    return any(stores) or find_memory_database(conversation, first, second) is not None


def find_memory_database(conversation: Conversation, first: Sent, second: Sent) -> Op | None:
    """The opening of a `:memory:` database that took turn 1's marker in its own request, where turn 2 asks one too."""
    asked = any(op.action == "send" for op in conversation.select("sql", second.number))
    for op in conversation.select("sql", first.number, "write") if asked else ():
        if first.marker in op.markers:
            opened = [each for each in conversation.select("file", first.number, "database") if each.time <= op.time]
            return opened[-1] if opened and opened[-1].where == ":memory:" else None
    return None


def is_carried(conversation: Conversation) -> bool:
    """Whether turn 2 brought turn 1 along, in its browser or in what turn 1's answer was, and no server keeps it."""
    first, *later = conversation.turns or (None,)
    if first is None:
        return False
    brought = any(op.carried for op in conversation.select("turn", 2)) or any(turn.renewed for turn in later[:1])
    kept = find_whereabouts(conversation, first.marker) if brought else []
    return brought and not any(place.anchor or place.kind == "service" for place in kept)


def find_read_again(conversation: Conversation, first: Sent, second: Sent) -> Whereabouts | None:
    """A file, database or service of the app's own that has turn 1's marker and that turn 2 reads, or None."""
    asked = [op for op, _ in asked_keys(conversation, first, second)]
    asked += asked_tables(conversation, first, second, "wire")
    served = {(op.where, service_key(op.text)) for op in asked}
    queried = any(asked_tables(conversation, first, second, "sql"))
    for place in find_whereabouts(conversation, first.marker):
        if place.kind == "service" and (place.text, place.key) in served:
            return place
        if place.kind == "disk":
            names = {place.text, database_of(place.text)}
            for op in conversation.select("file", second.number):
                if op.where in names and (op.action == "read" or (op.action == "database" and queried)):
                    return place
    return None


def keys_of(ops: Iterable[Op]) -> set[str]:
    """The keys that ops carry."""
    return {op.key for op in ops if op.key is not None}


def anchors(ops: Iterable[Op], text: str) -> list[Anchor]:
    """The user's innermost lines of these ops, each once."""
    lines = dict.fromkeys((op.frames[0].path, op.frames[0].line) for op in ops if op.frames)
    return [Anchor(path, line, text) for path, line in lines]


def find_mapping(conversation: Conversation, turn: Sent) -> Anchor | None:
    """Where the app keeps something in memory under the client's key: what leads to a store elsewhere."""
    found = find_whereabouts(conversation, turn.key) if turn.key is not None else []
    return next((place.anchor for place in found if place.kind == "process" and place.anchor), None)


def line_of(conversation: Conversation, turn: Sent) -> Anchor | None:
    """The user's line that leads to what keeps a turn, or that gave it to that, else to the model."""
    put = [*conversation.handed_over(turn.marker, turn.number), *find_builds(conversation, turn.marker, turn)]
    stored = [place.anchor for place in find_whereabouts(conversation, turn.marker) if place.anchor]
    found = [find_mapping(conversation, turn), *anchors(put, ""), *stored]
    return next(filter(None, [*found, *anchors(conversation.select("model", turn.number, "read"), "")]), None)


def find_related(conversation: Conversation, turn: Sent, marker: str, anchor: Anchor) -> tuple[Anchor, ...]:
    """Where the state that a marker went to is written and read, but for the anchor itself."""
    ops = conversation.state_ops(turn.number)
    wire = [op for op in conversation.select(turn=turn.number) if op.f in ("wire", "sql")]
    found = [
        *anchors(conversation.writes(turn.number, marker), "written"),
        *anchors(conversation.handed_over(marker, turn.number), "written"),
        *anchors([op for op in wire if op.action == "write"], "written"),
        *anchors([op for op in conversation.select("file", turn.number) if op.action == "write"], "written"),
        *anchors([op for op in ops if op.action in ("read", "load")], "read"),
        *anchors([op for op in wire if op.action == "send"], "read"),
        *anchors(conversation.handed_back(turn.number), "read"),
    ]
    kept = find_places(conversation, turn) if marker == turn.marker else find_whereabouts(conversation, marker)
    found += [use for place in kept for use in place.uses]
    unique: dict[tuple[str, int], Anchor] = {}
    for place in found:
        if (place.path, place.line) != (anchor.path, anchor.line):
            unique.setdefault((place.path, place.line), place)
    return tuple(unique.values())
