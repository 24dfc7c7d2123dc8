"""A turn was in memory or on a disk, and that has gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, NEW_CONTAINER, NEW_PROCESS
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.deployed import advise_beyond_tab, find_tab_of, weigh_end
from statecheck.judge.evidence.lines import anchor_of, anchors, defined_at, find_builds
from statecheck.judge.evidence.paused_runs import advise_keeping, is_answered, name_first
from statecheck.judge.evidence.services import emptied_tables, named_tables
from statecheck.judge.evidence.signatures import find_unreadable_session
from statecheck.judge.evidence.state_lines import find_related, line_of
from statecheck.judge.evidence.whereabouts import find_first_places, find_places
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Severity

_FIX_RESET = (
    "create what is missing (`CREATE TABLE IF NOT EXISTS`, `create_all`) and leave what is there; a new schema wants a "
    "migration"
)


def find_lost_place(case: Case) -> Observation | None:
    """Did turn 1's marker die with its process, or with the disk that a redeploy drops?"""
    name = next((name for name in (NEW_PROCESS, NEW_CONTAINER) if case.lost(name)), None)
    if name is None:
        return None
    unread = find_unreadable_session(case, name)
    if unread is not None:
        return unread
    conversation = case.conversations[name]
    emptied = _find_emptied(case, conversation)
    if emptied is not None:
        return emptied
    first = conversation.turns[0]
    baseline = case.conversations.get(BASELINE, conversation)
    memory = [*find_places(conversation, first), *find_first_places(baseline)]
    files = [p for p in find_places(conversation, first) if p.kind == "disk"]
    build = next((op for op in find_builds(conversation, first.marker, first) if op.frames), None)
    built_at = next(iter(anchors([build] if build else [], "")), None)
    put = next(iter(anchors(conversation.handed_over(first.marker, first.number), "written")), None)
    place = next((p for p in memory if p.kind == "process" and p.anchor), None)
    severity: Severity
    kept = name_first(conversation)
    if name == NEW_PROCESS or (place and not files):
        anchor = place.anchor if place else line_of(conversation, first)
        where = f" (`{place.text}`)" if place else ""
        tab = None if place else find_tab_of(case, place)
        known = f"known to one {tab.name} tab" if tab else f"in the memory of PID {first.pid}"
        summary = f"{kept} was {known}{where} and died with the process"
        severity, why = weigh_end(case, place)
        summary = "; ".join(filter(None, (summary, why)))
        mends = advise_beyond_tab(case, place) or advise_keeping(case, conversation)
    else:
        severity, mends = "error", ""
        opened = next((p.anchor for p in files if p.anchor), None) or put
        durable = build is not None and "://" in build.where and ":memory:" not in build.where
        anchor = built_at if durable else opened or built_at
        where = f"`{files[0].text}`" if files else "the container's own disk"
        summary = f"{kept} is stored in {where}, which a redeploy drops with the container: no volume holds it"
        if _is_named_after_host(conversation, first):
            summary = f"{kept} is stored in {where}, which a volume keeps, but the file is named after the host"
            summary += ": a new container has another name, and opens another file"
            mends = "give the file one name, whatever the host is called; or a database, where several hosts write"
    kind = "never-persisted" if _is_never_persisted(conversation) else "shared-instance" if case.shared(place) else None
    kind = "paused-run" if is_answered(conversation) else kind
    return Observation(
        summary,
        anchor,
        tuple(case.reason(each) for each in (NEW_PROCESS, NEW_CONTAINER) if case.lost(each)),
        kind=kind,
        severity=severity,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=mends,
    )


def _is_named_after_host(conversation: Conversation, first: Sent) -> bool:
    """Whether turn 1 is in a file on a volume that has the name of the host in its own."""
    hosts = [op.name for op in conversation.select("host") if op.generation == first.generation and op.name]
    kept = [op.where for op in conversation.with_marker("disk", first.marker) if op.on_volume]
    return any(host in where for host in hosts for where in kept)


def _find_emptied(case: Case, conversation: Conversation) -> Observation | None:
    """Did the process that turn 2 met empty the database, when it started, that has turn 1?"""
    first, second = conversation.turns[:2]
    stored = next((p for p in find_places(conversation, first) if p.kind != "process"), None)
    if stored is None or second.generation == first.generation:
        return None
    written = {name for op in conversation.with_marker("sql", first.marker) for name in named_tables(op.text)}
    starts = (op for op in conversation.select("sql", 0, "delete") if op.generation == second.generation)
    statement = next((op for op in starts if written & emptied_tables(op.text)), None)
    if statement is None:
        return None
    anchor = anchor_of(statement) or stored.anchor
    return Observation(
        f"turn 1 is stored in `{stored.text}`, and the app takes it away when it starts: `{statement.text}`",
        anchor,
        tuple(case.reason(each) for each in (NEW_PROCESS, NEW_CONTAINER) if case.lost(each)),
        kind="emptied-at-start",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=_FIX_RESET,
    )


def find_start_reset(case: Case) -> Observation | None:
    """Does what the deployment runs before the server empty, at each start, a table that has turn 1?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or case.lost(NEW_PROCESS) or case.lost(NEW_CONTAINER):
        return None
    first = conversation.turns[0]
    written = {name for op in conversation.with_marker("sql", first.marker) for name in named_tables(op.text)}
    reset = next((op for op in conversation.select("start-reset") if written & emptied_tables(op.text)), None)
    if reset is None:
        return None
    anchor = defined_at(reset) or case.handler
    return Observation(
        f"turn 1 is kept in a table that the deployment empties before each start of the server: `{reset.text}`",
        anchor,
        (Evidence(BASELINE, "turn 1 was stored in that table; what runs before the server was read, not run"),),
        kind="emptied-at-start",
        related_to=find_related(conversation, first, first.marker, anchor),
        fix=_FIX_RESET,
    )


def _is_never_persisted(conversation: Conversation) -> bool:
    """Whether a chat store was loaded with `from_persist_path`, and no turn called `persist`."""
    actions = {op.action for op in conversation.select("chat-store")}
    return "load" in actions and "persist" not in actions


def find_recycled_worker(case: Case) -> Observation | None:
    """Was turn 1 in the memory of a process that its own server ended, and replaced, before turn 2?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    held = {op.pid for op in conversation.writes(first.number, first.marker) if op.pid != first.pid}
    asked = {op.pid for op in conversation.select(turn=second.number) if op.pid != second.pid}
    ended = held & {op.pid for op in conversation.select("ended") if op.time < second.ended} - asked
    if not ended:
        return None
    build = next((op for op in find_builds(conversation, first.marker, first) if op.frames), None)
    anchor = anchor_of(build)
    return Observation(
        f"turn 1 was in the memory of PID {min(ended)}, which its own server ended before turn 2: "
        "a process takes only so many turns",
        anchor,
        (case.reason(BASELINE),),
        kind="worker-recycle",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
    )
