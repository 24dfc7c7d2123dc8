"""What a turn put into a service or a database of the app's own, and whether the next turn asked for it there. Pure.

Not all that takes a turn's text is a conversation: a log is never read, a cache of answers has no words of the user's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.answer_caches import asks_for_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.probe.ops import OpKind

_COMMAND = re.compile(r"\*\d+\r\n\$\d+\r\n([\w.]+)\r\n")
_READS = re.compile(r"GET|RANGE|INDEX|VALS|MEMBERS|EXISTS|READ|SCAN|KEYS|DUMP")
_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+[\"`\[]?([\w.]+)", re.IGNORECASE)
_EMPTIED = re.compile(r"(?:TABLE|FROM|TRUNCATE)\s+(?:IF\s+EXISTS\s+)?[\"`\[]?(\w+)", re.IGNORECASE)
_COLLECTION = re.compile(r"\w+ (\S+)")  # a command of MongoDB's: `find messages`
_QUERY = re.compile(r"\s*((SELECT|WITH)\b|(find|aggregate|findAndModify) \S+\Z)", re.IGNORECASE)

_FIGURE = (
    r"(?:COALESCE\s*\(\s*)?(?:COUNT|SUM|AVG|MIN|MAX|TOTAL)\s*\([^()]*\)(?:\s*,\s*[\d.]+\s*\))?(?:\s+AS\s+[\w\"`]+)?"
)
_FIGURES = re.compile(
    rf"\s*SELECT\s+{_FIGURE}(?:\s*,\s*{_FIGURE})*\s+FROM\b(?!.*\bGROUP\s+BY\b)", re.IGNORECASE | re.DOTALL
)


def asked_keys(conversation: Conversation, first: Sent, second: Sent) -> Iterator[tuple[Op, str]]:
    """Yield what turn 1 wrote of the user's to a key, each with a key that turn 2 read for it.

    That is the same key; or, of the keys that turn 2 read, one that it wrote its own text to, or one of a family with
    turn 1's.
    """
    own = {service_key(op.text) for op in _taken(conversation, second, "wire")}
    asked = find_lookups(conversation, second)
    for op in _taken(conversation, first, "wire"):
        key = service_key(op.text)
        for other in asked:
            read = service_key(other.text)
            alike = read is not None and key is not None and (read == key or read in own or _alike(read, key))
            if alike and read is not None and other.where == op.where:
                yield op, read


def find_same_keys(conversation: Conversation, first: Sent, second: Sent) -> dict[tuple[str, str], Op]:
    """Return {(address, key): what turn 1 wrote there} of the keys that turn 2 read."""
    asked = asked_keys(conversation, first, second)
    return {(op.where, key): op for op, key in asked if key == service_key(op.text)}


def asked_tables(conversation: Conversation, first: Sent, second: Sent, f: OpKind) -> Iterator[Op]:
    """Yield what turn 1 wrote of the user's to a table that turn 2 queries; any query will do where no table was seen.

    Args:
        f: `sql` for statements, `wire` for what passed a relay.
    """
    queries = find_queries(conversation, second, f)
    for op in _taken(conversation, first, f):
        tables = named_tables(op.text)
        if any(not tables or tables & named_tables(query.text) for query in queries):
            yield op


def find_queries(conversation: Conversation, turn: Sent, f: OpKind) -> list[Op]:
    """What a turn asked a database for, but for answers that take a model's place, and for figures, as of a quota."""
    asked = (op for op in conversation.select(f, turn.number, "send") if is_query(op.text))
    queries = (op for op in asked if not _FIGURES.match(op.text))
    return [op for op in queries if not asks_for_answer(conversation, op)]


def find_lookups(conversation: Conversation, turn: Sent) -> list[Op]:
    """What a turn read of a service's keys, but for answers that take a model's place."""
    lookups = (op for op in conversation.select("wire", turn.number, "send") if _is_reading(op.text))
    return [op for op in lookups if not asks_for_answer(conversation, op)]


def _taken(conversation: Conversation, turn: Sent, f: OpKind) -> list[Op]:
    """What a turn wrote of the user's own words."""
    writes = [op for op in conversation.select(f, turn.number, "write") if turn.marker in op.markers]
    writes = [op for op in writes if not is_query(op.text)]  # which asks for what was said, as a cache of answers is
    return [op for op in writes if not op.around or conversation.is_said(op.around, turn.marker)]


def _is_reading(text: str) -> bool:
    command = _COMMAND.match(text)
    return command is not None and _READS.search(command[1].upper()) is not None


def is_query(text: str) -> bool:
    """Whether a statement or a command asks for something."""
    return _QUERY.match(text) is not None


def named_tables(text: str) -> set[str]:
    """Return the tables that a statement names, or the collection of a command."""
    command = _COLLECTION.fullmatch(text)
    return {command[1]} if command else {*_TABLE.findall(text)}


def emptied_tables(text: str) -> set[str]:
    """Return the tables that a statement drops, or whose rows it deletes."""
    return {*_EMPTIED.findall(text)}


def _alike(one: str, other: str) -> bool:
    """Whether two keys are of one family: the same but for their last part, or of one length."""
    stems = [key.rpartition(":")[0] for key in (one, other)]
    return stems[0] == stems[1] and (bool(stems[0]) or len(one) == len(other))
