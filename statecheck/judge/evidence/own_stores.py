"""What an app's own code put into a database, a file or a key and, one turn later, did not get back. Pure.

The write and the query are compared by their keys: what was looked up under another key is a matter of the session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.answer_caches import asks_for_answer
from statecheck.judge.evidence.intent import find_memory_database, find_read_once
from statecheck.judge.evidence.lines import find_library_lines
from statecheck.judge.evidence.services import asked_keys, asked_tables, find_queries, named_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statecheck.history import Frame, Op
    from statecheck.judge.conversation import Conversation, Sent

Kind = Literal["not-committed", "filtered-out", "never-read", "read-once"]
_ROLES = frozenset(("user", "assistant", "system", "human", "ai", "bot", "model", "tool"))
_BEGINS = re.compile(r"\s*(BEGIN|START TRANSACTION)\b", re.IGNORECASE)
_ENDS = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)
_OF_A_RUN = ("ctx-store", "context", "run")
_SHORTEST_KEY = 2  # characters; a flag or a count is no key


@dataclass(frozen=True, slots=True)
class Unreturned:
    """A write of turn 1 that turn 2's query did not bring to the model.

    Attributes:
        place: in which it is, in words.
        write: what took turn 1.
        query: what turn 2 asked by.
    """

    kind: Kind
    place: str
    write: Op
    query: Op


def find_unreturned(conversation: Conversation) -> Unreturned | None:
    """Return what turn 1 wrote to a table that turn 2 queried under the same key, in vain; None if there is none."""
    sent = conversation.turns
    if len(sent) < 2 or sent[1].status != "ok":
        return None
    first, second = sent[:2]
    if any(op.f in _OF_A_RUN for op in conversation.writes(first.number, first.marker)):
        return None  # what the app stores is a Context: SC104 knows whether it is taken up again
    library = find_library_lines(conversation, first) | find_library_lines(conversation, second)
    if find_memory_database(conversation, first, second, library) is not None:
        return None
    writes = _leave_out(asked_tables(conversation, first, second, "sql"), library)
    queries = _leave_out(find_queries(conversation, second, "sql"), library)
    pairs = [(write, query) for write in writes for query in queries if _share_table(write, query)]
    if not pairs:
        return _find_read_once(conversation, first, second, library) or _find_unused(
            conversation, first, second, library
        )
    write, query = pairs[0]
    table = _name_table(write, query)
    if any(first.marker in op.markers for op in conversation.select("sql", second.number, "read")):
        return Unreturned("never-read", table, write, query)
    stored = _is_stored(conversation, first, write)
    if stored is False:
        return Unreturned("not-committed", table, write, query)
    if stored and _share_key(first, second, pairs):
        return Unreturned("filtered-out", table, write, query)
    return None


def _find_read_once(
    conversation: Conversation, first: Sent, second: Sent, library: frozenset[Frame]
) -> Unreturned | None:
    """Turn 1's write to a table that the app had read before, where turn 2 writes there too and does not read it."""
    write, query = find_read_once(conversation, first, second, library) or (None, None)
    if write is None or query is None or not _is_stored(conversation, first, write):
        return None
    return Unreturned("read-once", _name_table(write, query), write, query)


def _name_table(write: Op, query: Op) -> str:
    shared = sorted(named_tables(write.text) & named_tables(query.text))
    return f"the table `{shared[0]}`" if shared else "a database"


def _find_unused(conversation: Conversation, first: Sent, second: Sent, library: frozenset[Frame]) -> Unreturned | None:
    """What turn 2 read of its own session's key or file, with turn 1 in it, where no store of the library's got it.

    A file is that of one session if its name says so: of one that holds all of them nobody knows what was looked up.
    """
    if any(first.marker in op.markers for op in conversation.state_ops(second.number)):
        return None
    queries = _leave_out(conversation.select("wire", second.number, "send"), library)
    if any(first.marker in op.markers for op in conversation.select("wire", second.number, "read")):
        for write, key in asked_keys(conversation, first, second):
            query = next((op for op in queries if op.frames and service_key(op.text) == key), None)
            if query is not None and service_key(write.text) == key:
                return Unreturned("never-read", f"the key `{key}`", write, query)
    kept = {op.where for op in conversation.with_marker("disk", first.marker)}
    written = {op.where: op for op in conversation.select("file", first.number, "write") if op.where in kept}
    for query in _leave_out(conversation.select("file", second.number, "read"), library):
        own = second.key is not None and first.key == second.key and second.key in query.where
        if own and query.frames and query.where in written and not asks_for_answer(conversation, query):
            return Unreturned("never-read", f"the file `{query.where}`", written[query.where], query)
    return None


def _leave_out(statements: Iterable[Op], library: frozenset[Frame]) -> list[Op]:
    """The statements of the app's own code; what nobody's line is known of is none where the library stores too."""
    return [op for op in statements if not library or (op.frames and op.frames[0] not in library)]


def _share_table(write: Op, query: Op) -> bool:
    tables = named_tables(write.text)
    return not tables or bool(tables & named_tables(query.text))


def _is_stored(conversation: Conversation, first: Sent, write: Op) -> bool | None:
    """Whether turn 1 is in the database for good; None where nothing shows it."""
    if write.database == "sqlite":
        return any(conversation.with_marker("disk", first.marker))
    statements = [op for f in ("sql", "wire") for op in conversation.select(f, first.number)]
    if any(_ENDS.match(op.text) for op in statements if op.time >= write.time):
        return True
    begun = any(_BEGINS.match(op.text) for op in statements if op.time <= write.time)
    return False if begun else None


def _share_key(first: Sent, second: Sent, pairs: Sequence[tuple[Op, Op]]) -> bool:
    """Whether the write and the query name one key: the client's, else any short value that both have."""
    if first.key and first.key == second.key:
        named = [(_names(write, first.key), _names(query, first.key)) for write, query in pairs]
        if any(both == (True, True) for both in named):
            return True
    return any(_keys(write) & _keys(query) for write, query in pairs)


def _names(statement: Op, key: str) -> bool:
    return key in statement.text or any(key in value for value in statement.arguments)


def _keys(statement: Op) -> set[str]:
    return {value for value in statement.arguments if len(value) >= _SHORTEST_KEY and value.lower() not in _ROLES}
