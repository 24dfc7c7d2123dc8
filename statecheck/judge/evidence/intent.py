"""Whether a turn was put where a later one should find it, or is brought along by the client. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.answer_caches import asks_for_answer
from statecheck.judge.evidence.services import asked_keys, asked_tables, is_query, named_tables
from statecheck.judge.evidence.whereabouts import database_of, find_whereabouts

if TYPE_CHECKING:
    from statecheck.history import Frame, Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.whereabouts import Whereabouts
    from statecheck.probe.ops import OpKind

_SERVERS: tuple[OpKind, ...] = ("sql", "wire")


def is_intended(conversation: Conversation) -> bool:
    """Whether turn 1 put its marker into conversation state, or into a store of the app's own that turn 2 reads."""
    sent = conversation.turns
    if len(sent) < 2:
        return False
    first, second = sent[:2]
    if conversation.handed_over(first.marker, first.number) and conversation.handed_back(second.number):
        return True
    stores = conversation.writes(first.number, first.marker), find_read_again(conversation, first, second)
    if find_missed_file(conversation, first, second) or find_read_once(conversation, first, second):
        return True
    return any(stores) or find_memory_database(conversation, first, second) is not None


def find_memory_database(
    conversation: Conversation, first: Sent, second: Sent, library: frozenset[Frame] = frozenset()
) -> Op | None:
    """The opening of a `:memory:` database that took turn 1's marker in its own request, where turn 2 asks one too.

    Args:
        library: lines of the user's at which the library opens databases for itself, which do not count.
    """
    asked = any(op.action == "send" for op in conversation.select("sql", second.number))
    for op in conversation.select("sql", first.number, "write") if asked else ():
        if first.marker in op.markers:
            opened = [each for each in conversation.select("file", first.number, "database") if each.time <= op.time]
            opened = [each for each in opened if not library.intersection(each.frames[:1])]
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


def is_in_cookie(conversation: Conversation) -> bool:
    """Whether turn 1 went into a session that the browser keeps whole: nothing of it was written on the server."""
    first = next(iter(conversation.turns), None)
    if first is None:
        return False
    put = conversation.handed_over(first.marker, first.number)
    elsewhere = any(op.action in ("write", "database") for op in conversation.select("file", first.number))
    asked = any(True for f in _SERVERS for _ in conversation.select(f, first.number))
    kept = any(op.f == "session" for op in put) and not (asked or elsewhere)
    return is_carried(conversation) or (kept and not find_whereabouts(conversation, first.marker))


def find_missed_file(conversation: Conversation, first: Sent, second: Sent) -> tuple[Whereabouts, Op] | None:
    """The file that took turn 1, and turn 2's look for one beside it, or of its name, that is not there.

    One beside it is of the same kind: what the folder's own files are called ends alike. Turn 2 may have written over
    what turn 1 had put there, as it did not find it.
    """
    kept = [place for place in find_whereabouts(conversation, first.marker) if place.kind == "disk"]
    kept = kept or _find_written_over(conversation, first, second)
    for op in conversation.select("file", second.number):
        before = (each for each in conversation.on_file(op.where) if each.time <= op.time)
        known = any(each.action not in ("read", "miss") for each in before)
        if known or op.action not in ("read", "miss") or asks_for_answer(conversation, op):
            continue
        looked = PurePosixPath(op.where)
        for place in kept:
            its = PurePosixPath(place.text)
            beside = looked.parent == its.parent and looked.suffix == its.suffix != ""
            if looked != its and (beside or looked.name == its.name):
                return place, op
    return None


def _find_written_over(conversation: Conversation, first: Sent, second: Sent) -> list[Whereabouts]:
    """Files of this session's name, with turn 2 in them, that turn 1 wrote before."""
    key = second.key if second.key and second.key == first.key else None
    written = {op.where for op in conversation.select("file", first.number, "write")}
    places = find_whereabouts(conversation, second.marker) if key else []
    return [place for place in places if place.kind == "disk" and place.text in written and str(key) in place.text]


def find_read_once(
    conversation: Conversation, first: Sent, second: Sent, library: frozenset[Frame] = frozenset()
) -> tuple[Op, Op] | None:
    """Turn 1's write to a table that was read before, and that query, where turn 2 writes there and does not read it.

    Something keeps what was read first. Statements at the lines of `library` do not count.
    """
    said = [op for op in conversation.select("sql") if op.frames and op.frames[0] not in library]
    queries = [op for op in said if op.action == "send" and is_query(op.text)]
    queries = [op for op in queries if not asks_for_answer(conversation, op)]
    later = [op for op in queries if op.turn == second.number or (not op.turn and op.time > first.ended)]
    again = {name for op in later for name in named_tables(op.text)}
    written = {
        name for op in said if op.turn == second.number and op.action == "write" for name in named_tables(op.text)
    }
    for write in said:
        if write.turn != first.number or write.action != "write" or first.marker not in write.markers:
            continue
        names = (named_tables(write.text) & written) - again
        earlier = (op for op in queries if op.time < write.time and op.turn in (first.number, 0))
        query = next((op for op in earlier if named_tables(op.text) & names), None)
        if query is not None:
            return write, query
    return None


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
                read = op.action == "read" and not asks_for_answer(conversation, op)
                if op.where in names and (read or (op.action == "database" and queried)):
                    return place
    return None
