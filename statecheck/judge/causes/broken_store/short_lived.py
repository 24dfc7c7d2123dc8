"""The conversation's key expires before a person has typed the next message."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, OTHER_WORKER
from statecheck.judge.cause import Observation
from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.lifetimes import find_lifetime
from statecheck.judge.evidence.lines import anchor_of, defined_at, find_lines_in_ram
from statecheck.judge.evidence.services import asked_tables, find_same_keys
from statecheck.judge.evidence.state_lines import find_related
from statecheck.judge.evidence.whereabouts import find_first_places
from statecheck.model import Anchor, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case

_SHORTEST = 60.0
"""Seconds. Experiments send the next turn at once; people read an answer first."""


def find_short_lifetime(case: Case) -> Observation | None:
    """Is all that later turns look for kept for less than a minute?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or len(conversation.turns) < 2:
        return None
    if _is_carried(case, conversation):
        return None
    found = _find_expiring_key(case, conversation) or _find_expiring_entry(case, conversation)
    if found is None:
        return None
    seconds, said, anchor = found
    second = conversation.turns[1]
    return Observation(
        f"turn 1 is kept for {seconds:g} s (`{said}`): a user who takes longer begins anew",
        anchor,
        (Evidence(BASELINE, f"it was given {seconds:g} s to live, and nothing else that turn 2 asks has turn 1"),),
        kind="short-lived",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
        fix="keep it for as long as a user may be away, and mind the unit: `ex`, `expire`, `setex`, `ttl` and "
        "`timeout` are seconds, `px`, `pexpire` and `psetex` milliseconds",
    )


def find_local_expiry(case: Case) -> Observation | None:
    """Did a database drop turn 1, as it takes the local time in it for UTC, hours ago?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE) or len(conversation.turns) < 2:
        return None
    zone = next((op.where for op in conversation.select("host")), "")
    local = next((op for op in conversation.select("lifetime") if not op.text), None)
    first, second = conversation.turns[:2]
    if not zone.startswith("-") or local is None or not any(asked_tables(conversation, first, second, "wire")):
        return None
    anchor = defined_at(local)
    return Observation(
        f"turn 1 is dropped as soon as it is stored: the database takes `{local.name}`, local time ({zone}), for UTC",
        anchor,
        (case.reason(BASELINE),),
        kind="short-lived",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix="store `datetime.now(timezone.utc)`: rows expire by that, wherever the app runs",
    )


def _find_expiring_key(case: Case, conversation: Conversation) -> tuple[float, str, Anchor | None] | None:
    """The longest that a key of Redis lives that turn 2 looked for, the key, and the line that says so."""
    first, second = conversation.turns[:2]
    if _is_in_the_process(case):
        return None
    kept = find_same_keys(conversation, first, second)
    said = list(conversation.select("wire", first.number))
    found = [find_lifetime(said, address, key, _clock_of(conversation)) for address, key in kept]
    known = [each for each in found if each is not None and each[0] < _SHORTEST]
    if not known or len(known) < len(found) or _is_asked_elsewhere(conversation, first, second):
        return None
    seconds, op = max(known, key=lambda each: each[0])
    if case.lost(BASELINE) and any(first.marker in op.markers for op in conversation.select("wire", second.number)):
        return None  # it had not expired yet
    anchor = anchor_of(op) or next(filter(None, map(anchor_of, kept.values())), None)
    return seconds, str(service_key(op.text)), anchor


def _find_expiring_entry(case: Case, conversation: Conversation) -> tuple[float, str, Anchor | None] | None:
    """For how long a cache or a table keeps turn 1 by the user's code, in its words, and where they stand."""
    first, second = conversation.turns[:2]
    places = [place.text for place in find_first_places(conversation) if place.kind == "process"]
    writes = [
        op
        for f in ("cache", "sql", "file", "wire")
        for op in conversation.select(f, first.number)
        if service_key(op.text) is None
        and ((op.action == "write" and first.marker in op.markers) or (first.key or first.marker) in op.arguments)
    ]
    for op in conversation.select("lifetime"):
        line = defined_at(op)
        if not op.text or int(op.text) >= _SHORTEST or line is None or case.lost(BASELINE):
            continue
        here = [each for each in writes if line in [Anchor(frame.path, frame.line) for frame in each.frames]]
        rows = [each for each in writes if op.name.startswith(_OF_ROWS) and _OF_MONGODB.fullmatch(each.text)]
        held = bool(op.where) and any(re.search(rf"[.\[']{re.escape(op.where)}\b", place) for place in places)
        outside = bool(here or rows) and not _is_in_the_process(case)
        if (outside or held) and not _is_asked_elsewhere(conversation, first, second, (*here, *rows)):
            return float(op.text), op.name, line
    return None


_OF_ROWS = "expireAfterSeconds"
_OF_MONGODB = re.compile(r"(insert|update|findAndModify|findandmodify) \S+")


def _is_carried(case: Case, conversation: Conversation) -> bool:
    """Whether a later turn has turn 1 from its client: what expires serves something else."""
    return case.app.carries_history or any(
        op.carried for op in conversation.select("turn", conversation.turns[1].number)
    )


def _is_in_the_process(case: Case) -> bool:
    """Whether a later turn has turn 1 from its process: a service or a file serves something else."""
    return case.lost(OTHER_WORKER) and not case.lost(BASELINE)


def _clock_of(conversation: Conversation) -> Callable[[Op], float]:
    """What tells the time of an op, in seconds since 1970, by what it was when a worker began."""
    began = next((op for op in conversation.select("host") if op.text), None)
    if began is None:
        return lambda _: 0.0
    base = datetime.fromisoformat(began.text).replace(tzinfo=timezone.utc).timestamp()
    return lambda op: base + (op.time - began.time) / 1e9


def _is_asked_elsewhere(conversation: Conversation, first: Sent, second: Sent, here: Iterable[Op] = ()) -> bool:
    """Whether a database or a file has turn 1 too, and a turn asks there: the key is a cache in front of it.

    What is `here` is the cache itself, and so are the files below it. What an engine of the request keeps in process
    memory is no other place.
    """
    known = list(here)
    frames = {op.frames[:1] for op in known}
    frames |= {(frame,) for turn in (first, second) for frame in find_lines_in_ram(conversation, turn)}
    for turn in (first, second):
        asked = [op for op in asked_tables(conversation, first, turn, "sql") if op.frames[:1] not in frames]
        asked += [op for op in asked_tables(conversation, first, turn, "wire") if service_key(op.text) is None]
        if any(op not in known and not (known and op.f == "wire") for op in asked):
            return True
    files = {op.where for op in conversation.with_marker("disk", first.marker)} if not known else set()
    return any(op.action in ("read", "miss") for path in files for op in conversation.on_file(path))
