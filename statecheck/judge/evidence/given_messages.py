"""The messages that models were given, beside what was said before: windows, and missing answers. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Channel, Conversation, Sent

_LIMIT = re.compile(r"\bLIMIT\s+\S+", re.IGNORECASE)
_WHOLE_SECOND = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.0+)?(Z|[+-]\d\d:?\d\d)?|1\d{9}(\.0)?")
_FEWEST = 4  # turns, before a window can be told from a conversation that is kept whole


@dataclass(frozen=True, slots=True)
class Window:
    """The oldest turns, that a later turn was given without newer ones.

    Attributes:
        reader, given, missing: the numbers of the turn that was given them, of the newest that it was given, and of
            the one before it, which it was not given.
        limit: the query that cuts them off, or None if none was seen.
        limit_text: how it does, in the query's own words, or "".
    """

    reader: int
    given: int
    missing: int
    limit: Op | None
    limit_text: str


def find_oldest_window(conversation: Conversation, channel: Channel) -> Window | None:
    """Return the window if the last of many turns was given the first ones, and not the one before it.

    Args:
        conversation: turns of one session, one after the other.
        channel: what shows that turns are remembered.
    """
    *earlier, reader = conversation.turns or (None,)
    if reader is None or len(earlier) < _FEWEST or any(turn.status != "ok" for turn in conversation.turns):
        return None
    shown = [turn for turn in earlier if conversation.is_given(reader, turn, channel)]
    last = earlier[-1]
    if not shown or shown != earlier[: len(shown)] or last in shown:
        return None
    queries = [op for op in conversation.select("sql", reader.number, "send") if _LIMIT.search(op.text)]
    limit = next((op for op in queries if op.frames), None)
    read = next((op for op in conversation.own_reads(reader.number) if op.frames), None)
    called = next((op for op in conversation.select("model", reader.number) if op.frames), None)
    said = _LIMIT.search(limit.text) if limit is not None else None
    return Window(reader.number, shown[-1].number, last.number, limit or read or called, said[0] if said else "")


def find_gap(conversation: Conversation) -> tuple[Sent, Sent] | None:
    """Return (a turn, the last one) where the last one's model was given turns before and after it, and not that.

    What is given are messages of their own, not what was retrieved of them; and their answers show that it is no window
    that keeps the beginning and the end: that of the missing question is there, or there are several such gaps.

    Args:
        conversation: turns of one session, one after the other.
    """
    *earlier, reader = conversation.turns or (None,)
    if reader is None or len(earlier) < _FEWEST or any(turn.status != "ok" for turn in conversation.turns):
        return None
    for op in conversation.select("model", reader.number, "read"):
        seen = [turn.marker in op.markers for turn in earlier]
        missing = [at for at, given in enumerate(seen) if not given and True in seen[:at] and True in seen[at:]]
        gaps = [at for at in missing if seen[at - 1]]
        whole = reader.marker in op.markers and op.roles.count("u") > seen.count(True)
        if whole and gaps and (len(gaps) > 1 or "aa" in op.roles):
            return earlier[gaps[0]], reader
    return None


def find_missing_answer(conversation: Conversation) -> Op | None:
    """Return the call of turn 2 whose model was given turn 1's question beside its own, and no answer at all.

    Both stand there as messages of their own: what stands in one text is retrieved, condensed or summed up.
    """
    sent = conversation.turns
    if len(sent) < 2 or any(turn.status != "ok" for turn in sent[:2]):
        return None
    first, second = sent[:2]
    if not conversation.calls_model(first.number):
        return None
    calls = [op for op in conversation.select("model", second.number) if first.marker in op.markers]
    whole = [op for op in calls if second.marker in op.markers]
    if not whole or any("a" in op.roles for op in calls):
        return None
    return next((op for op in whole if op.roles == "uu"), None)


def has_ties(conversation: Conversation, turn: int) -> bool:
    """Whether messages were stored before a turn under one and the same time, in whole seconds."""
    earlier = (each for each in conversation.turns if each.number < turn)
    rows = (op for each in earlier for op in conversation.stored_outside(each) if op.f == "sql")
    times = Counter(value for op in rows for value in op.arguments if _WHOLE_SECOND.fullmatch(value))
    return any(number > 1 for number in times.values())


def find_newest_first(conversation: Conversation) -> Op | None:
    """Return the call of a model that was given the earlier questions, each a message of its own, the newest first.

    Args:
        conversation: turns of one session, one after the other.
    """
    numbers = {turn.marker: turn.number for turn in conversation.turns if turn.status == "ok"}
    for reader in reversed(conversation.turns):
        for op in conversation.select("model", reader.number, "read"):
            given = [numbers[marker] for marker in dict.fromkeys(op.markers) if marker in numbers]
            earlier = [number for number in given if number != reader.number]
            if len(earlier) > 1 and op.roles.count("u") > len(earlier) and earlier == sorted(earlier, reverse=True):
                return op
    return None
