"""The day of the run is a part of the key: on the next one, every conversation begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.days import Days, names_another_day
from statecheck.judge.evidence.lines import anchor_of
from statecheck.judge.evidence.services import asked_tables, find_queries, find_same_keys, named_tables
from statecheck.judge.evidence.state_lines import find_related
from statecheck.judge.evidence.whereabouts import database_of, find_whereabouts
from statecheck.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor

_RANGES = ("<", ">", "BETWEEN", "LIKE")
_ENDS = {"day": "at midnight", "week": "when the week ends", "month": "when the month ends"}


def find_dated_key(case: Case) -> Observation | None:
    """Is what turn 2 looks turn 1 up by made of the client's key and the day?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or len(conversation.turns) < 2:
        return None
    first, second = conversation.turns[:2]
    moment = next((op.text for op in conversation.select("host") if op.text), "")
    if not moment or not first.key or first.key != second.key:
        return None
    days = Days.of(moment)
    if days.find(first.key) is not None:
        return None  # the client sends the day with its key
    looked = list(_find_lookups(conversation, first, second)) or list(_find_opened(conversation, first, second))
    named = [(text, days.find(text.replace(first.key, ""))) for text, _ in looked]
    text, found = named[0] if named and all(found is not None for _, found in named) else ("", None)
    if found is None or _looks_at_others(conversation, text, found[1][0]):
        return None
    period, match = found
    anchor = next(filter(None, (anchor for _, anchor in looked)), None)
    return Observation(
        f"turn 1 is kept under `{text}`, which has the run's {period} in it (`{match[0]}`): {_ENDS[period]} every "
        "conversation begins anew",
        anchor,
        (Evidence(BASELINE, f"turn 2 finds turn 1 under `{text}`, and the client sent `{first.key}`"),),
        kind="dated-key",
        severity="warning",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
        fix="make the key of what the client sends alone, and keep the day beside it, to tidy up by; where each day is "
        "meant to begin anew, say so to the user",
    )


def _find_lookups(conversation: Conversation, first: Sent, second: Sent) -> Iterator[tuple[str, Anchor | None]]:
    """Yield all names under which turn 1 is kept and turn 2 looks, each with a line.

    A library's store has keys of its own, wherever it is.
    """
    keys = [op for op in conversation.writes(first.number, first.marker) if op.key is not None]
    asked = {op.key for op in conversation.state_ops(second.number)}
    if any(op.key in asked for op in keys):
        yield from ((op.key, anchor_of(op)) for op in keys if op.key is not None and op.key in asked)
        return
    same = find_same_keys(conversation, first, second)
    yield from ((key, anchor_of(op)) for (_, key), op in same.items())
    for f in ("sql", "wire"):
        for write in asked_tables(conversation, first, second, f):
            if service_key(write.text) is None:
                yield from _find_asked_rows(conversation, second, write)
    files = {op.where for op in conversation.select("file", second.number, "read")}
    for place in find_whereabouts(conversation, first.marker):
        if place.kind == "process" or (place.kind == "disk" and {place.text, database_of(place.text)} & files):
            yield place.text, place.anchor


def _find_opened(conversation: Conversation, first: Sent, second: Sent) -> Iterator[tuple[str, Anchor | None]]:
    """Yield all files that have turn 1, if turn 2 opens one to write there before its model is called.

    Which is how one is opened that is read and then appended to (`a+`).
    """
    called = min((op.time for op in conversation.select("model", second.number)), default=0)
    opened = {op.where for op in conversation.select("file", second.number, "write") if op.time < called}
    files = [place for place in find_whereabouts(conversation, first.marker) if place.kind == "disk"]
    if any(place.text in opened for place in files):
        yield from ((place.text, place.anchor) for place in files)


def _find_asked_rows(conversation: Conversation, second: Sent, write: Op) -> Iterator[tuple[str, Anchor | None]]:
    """Yield what a turn's queries of a table compare with: a range of days is no key."""
    for query in find_queries(conversation, second, write.f):
        if not named_tables(query.text) or named_tables(query.text) & named_tables(write.text):
            compares = any(word in query.text.upper() for word in _RANGES)
            yield "" if compares else ", ".join(query.arguments), anchor_of(query)


def _looks_at_others(conversation: Conversation, text: str, day: str) -> bool:
    """Whether a turn looks at other days as well: by their names, or in a list of all that there are."""
    for turn in conversation.turns[:2]:
        for op in conversation.select("file", turn.number):
            if names_another_day(op.where, day) or (op.action == "read" and text.startswith(f"{op.where}/")):
                return True
        for op in conversation.select("wire", turn.number, "send"):
            command = op.text.upper()
            if names_another_day(op.text, day) or "\r\nSCAN\r\n" in command or "\r\nKEYS\r\n" in command:
                return True
        if any(names_another_day(op.key, day) for op in conversation.state_ops(turn.number) if op.key):
            return True
    return False
