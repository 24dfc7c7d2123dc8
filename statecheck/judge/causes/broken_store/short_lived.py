"""The conversation's key expires before a person has typed the next message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, OTHER_WORKER
from statecheck.judge.cause import Observation
from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.lifetimes import find_lifetime
from statecheck.judge.evidence.lines import anchor_of
from statecheck.judge.evidence.services import asked_tables, find_same_keys
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case

_SHORTEST = 60.0
"""Seconds. Experiments send the next turn at once; people read an answer first."""


def find_short_lifetime(case: Case) -> Observation | None:
    """Is all that later turns look for kept for less than a minute?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or len(conversation.turns) < 2:
        return None
    first, second = conversation.turns[:2]
    if _is_given_otherwise(case, conversation, second):
        return None
    kept = find_same_keys(conversation, first, second)
    said = list(conversation.select("wire", first.number))
    found = [find_lifetime(said, address, key) for address, key in kept]
    known = [each for each in found if each is not None and each[0] < _SHORTEST]
    if not known or len(known) < len(found) or _is_asked_elsewhere(conversation, first, second):
        return None
    seconds, op = max(known, key=lambda each: each[0])
    if case.lost(BASELINE) and any(first.marker in op.markers for op in conversation.select("wire", second.number)):
        return None  # it had not expired yet
    summary = f"turn 1 is kept for {seconds:g} s (`{service_key(op.text)}`): a user who takes longer begins anew"
    anchor = anchor_of(op) or next(filter(None, map(anchor_of, kept.values())), None)
    return Observation(
        summary,
        anchor,
        (Evidence(BASELINE, f"the key was given {seconds:g} s to live, and nothing else that turn 2 asks has turn 1"),),
        kind="short-lived",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
        fix="give the key as long as a user may be away, and mind the unit: `ex`, `expire` and `setex` take seconds, "
        "`px`, `pexpire` and `psetex` milliseconds",
    )


def _is_given_otherwise(case: Case, conversation: Conversation, second: Sent) -> bool:
    """Whether a later turn has turn 1 from its client, or from its process: the key serves something else."""
    carried = case.app.carries_history or any(op.carried for op in conversation.select("turn", second.number))
    return carried or (case.lost(OTHER_WORKER) and not case.lost(BASELINE))


def _is_asked_elsewhere(conversation: Conversation, first: Sent, second: Sent) -> bool:
    """Whether a database or a file has turn 1 too, and a turn asks there: the key is a cache in front of it."""
    for turn in (first, second):
        if any(asked_tables(conversation, first, turn, "sql")):
            return True
        if any(service_key(op.text) is None for op in asked_tables(conversation, first, turn, "wire")):
            return True
    files = {op.where for op in conversation.with_marker("disk", first.marker)}
    return any(op.action in ("read", "miss") for path in files for op in conversation.on_file(path))
