"""A turn that overlaps others is missing from what a later one sees, or all are kept out of their order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import (
    BASELINE,
    CONCURRENT,
    CONCURRENT_WORKERS,
    CONTROL,
    NEW_PROCESS,
    OVERLAPPING,
    TWO_SESSIONS,
)
from statecheck.judge.cause import Observation
from statecheck.judge.checks.lost_update import find_missing, is_lost_in_sequence
from statecheck.judge.checks.mixing import find_forgotten
from statecheck.judge.evidence.deployed import weigh_overlap
from statecheck.judge.evidence.intent import is_in_cookie
from statecheck.judge.evidence.lines import anchor_of, find_builds, find_library_lines
from statecheck.judge.evidence.mends import FIRST_THAT_LOSES, MEMORY_IN_RAM, MEMORY_IN_RAM_OF_THREADS
from statecheck.judge.evidence.state_lines import find_related, line_of
from statecheck.judge.evidence.whereabouts import find_whereabouts

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor


_MENDS_LIBRARY_STORE = (
    "take a store that adds one row or element a message (`Memory` on a database, Redis); this one's own code loads a "
    "conversation and writes it back, so that else the turns of one session have to come one after the other"
)

_MENDS_COOKIE = (
    "keep the conversation in a store on the server that adds one row or element a message, and in the cookie nothing "
    "but its key: of answers that overlap, a browser keeps the last one's cookie, whatever the server locks"
)

_MENDS_BETWEEN_WORKERS = (
    "let a lock that all workers share (Redis, an advisory lock or `SELECT ... FOR UPDATE` of the database) take the "
    "turns of one session one after the other, or append instead of overwriting: one process's lock holds no other's"
)

_MENDS_ORDER = (
    "let the turns of one session run one after the other (a lock for each session), or store a question and its "
    "answer together, when the answer is there"
)


def find_lost_update(case: Case) -> Observation | None:
    """Is an acknowledged turn that overlapped others missing from what a later turn sees?"""
    for name in OVERLAPPING:
        control, channel = case.conversations.get(CONTROL), case.channel or "model"
        if case.lost(name) and not is_lost_in_sequence(case.conversations[name], control, channel):
            return _report_lost(case, name)
    # what is in the memory of one process is no file or row that another session's turn could overwrite
    if case.lost(TWO_SESSIONS) and not case.lost(NEW_PROCESS):
        return _report_lost(case, TWO_SESSIONS)
    for name in OVERLAPPING:
        if name in case.outcomes and case.outcomes[name].outcome == "reordered":
            return _report_interleaved(case, name)
    return None


def _report_lost(case: Case, name: str) -> Observation:
    conversation = case.conversations[name]
    apart = name == TWO_SESSIONS
    victims = (find_forgotten if apart else find_missing)(conversation, case.channel or "model")
    victim = victims[0]
    library = _is_in_library_store(conversation, victim)
    anchor, summary_place = _find_place(case, conversation, victim, library)
    names = ", ".join(str(turn.number) for turn in victims[:4]) + (", …" if len(victims) > 4 else "")
    where = f" in `{summary_place}`" if summary_place else ""
    whose = "of another session " if apart else ""
    summary = f"acknowledged turns ({names}) were overwritten{where} by turns {whose}that overlapped them"
    severity, why = weigh_overlap(case, name)
    return Observation(
        "; ".join(filter(None, (summary, why))),
        anchor,
        (case.reason(name),),
        kind="library-store" if library else "user-code",
        severity=severity,
        related_to=find_related(conversation, victim, victim.marker, anchor or case.handler),
        fix=_mend_library_store(case, conversation, victim) if library else _mend_own_store(case, name),
    )


def _mend_own_store(case: Case, name: str) -> str:
    """Return what helps where a lock does not: no lock of a server's holds a cookie, and none of a process another."""
    baseline = case.conversations.get(BASELINE)
    if baseline is not None and is_in_cookie(baseline) and not case.lost(NEW_PROCESS):
        return _MENDS_COOKIE
    at_one_worker = case.outcomes.get(CONCURRENT)
    holds = at_one_worker is not None and at_one_worker.outcome == "kept"
    return _MENDS_BETWEEN_WORKERS if name == CONCURRENT_WORKERS and holds else ""


def _mend_library_store(case: Case, conversation: Conversation, victim: Sent) -> str:
    if not any(":memory:" in op.where for op in conversation.writes(victim.number, victim.marker)):
        return _MENDS_LIBRARY_STORE
    numbers = tuple(map(int, re.findall(r"\d+", case.app.versions.get("SQLAlchemy", ""))[:2]))
    return MEMORY_IN_RAM_OF_THREADS if () < numbers < FIRST_THAT_LOSES else MEMORY_IN_RAM


def _is_in_library_store(conversation: Conversation, victim: Sent) -> bool:
    """Whether the app handed the turn to a store of the library's that outlives the request, which then lost it."""
    builds = find_builds(conversation, victim.marker, victim)
    fresh = {(op.generation, op.obj) for op in builds if op.turn == victim.number}
    for op in conversation.writes(victim.number, victim.marker):
        durable = "://" in op.where and ":memory:" not in op.where
        if op.f in ("memory", "chat-store") and (durable or (op.generation, op.obj) not in conversation.gone | fresh):
            return True
    return False


def _find_place(case: Case, conversation: Conversation, victim: Sent, library: bool) -> tuple[Anchor | None, str]:
    ops = list(conversation.select(turn=victim.number))
    if library:
        build = next((op for op in find_builds(conversation, victim.marker, victim) if op.frames), None)
        return anchor_of(build), build.cls if build else ""
    inner = find_library_lines(conversation, victim)  # of an engine's own memory, which is made for the turn alone
    ops = [op for op in ops if op.f != "sql" or not inner.intersection(op.frames[:1])]
    kinds = (("wire", "write"), ("sql", "write"), ("file", "write"), ("context", "to_dict"), ("context", "load"))
    saves = [op for op in conversation.handed_over(victim.marker, victim.number) if op.action == "write"]
    saves += [op for f, action in kinds for op in ops if op.frames and op.f == f and op.action == action]
    saves += [op for op in ops if op.frames and op.f == "file" and op.action != "miss"]
    if saves:
        return anchor_of(saves[0]), saves[0].where or saves[0].database or saves[0].name or saves[0].cls
    baseline = case.conversations.get(BASELINE, conversation)
    kept = [place for turn in baseline.turns[:1] for place in find_whereabouts(baseline, turn.marker)]
    place = next((p for p in kept if p.anchor), None)
    if place is None:
        return line_of(conversation, victim), ""
    return next((use for use in place.uses if use.text == "written"), place.anchor), place.text


def _report_interleaved(case: Case, name: str) -> Observation:
    conversation = case.conversations[name]
    _, during, _ = conversation.overlap
    victim = during[0]
    write = next((op for op in conversation.writes(victim.number, victim.marker) if op.frames), None)
    anchor = anchor_of(write)
    return Observation(
        "overlapping turns of one session are all kept, but their questions and answers are interleaved",
        anchor,
        (case.reason(name),),
        kind="interleaved",
        severity="warning",
        fix=_MENDS_ORDER,
    )
