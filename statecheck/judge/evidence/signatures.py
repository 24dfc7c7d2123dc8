"""A session that one process has signed and another cannot read: both workers and restarts show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of
from statecheck.judge.evidence.state_lines import find_related
from statecheck.judge.evidence.whereabouts import find_places
from statecheck.model import Anchor

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Finding


OWN_SECRET = "own-secret"  # noqa: S105 - a kind, no secret


def is_of_own_secret(found: Finding) -> bool:
    """Whether a finding is that of a session which only the process that signed it can read.

    It is to be fixed first: what else is lost of such a session, as by turns that overlap, is lost anyway when the next
    turn goes elsewhere.
    """
    return found.kind == OWN_SECRET


def find_unreadable_session(case: Case, name: str) -> Observation | None:
    """Return how turn 2 of an experiment was lost because its worker refused the signature of another, or None.

    The anchor stands where the secret key is made, else where the app puts the conversation into its session.
    """
    conversation = case.conversations[name]
    first, second = conversation.turns[:2]
    refusal = conversation.find_refusal(second)
    if refusal is None or any(p.kind == "process" and p.pid == first.pid for p in find_places(conversation, first)):
        return None
    secret = next((Anchor(line.path, line.line) for line in refusal.lines), None)
    put = next((anchor_of(op) for op in conversation.handed_over(first.marker, first.number)), None)
    whose = "a secret key of its own" if secret else "another secret key"
    return Observation(
        f"turn 1 is in a session that PID {first.pid} signed and PID {second.pid} cannot read: it has {whose}",
        secret or put,
        (case.reason(name),),
        kind=OWN_SECRET,
        related_to=find_related(conversation, first, first.marker, secret or put or case.handler),
        fix="give all processes one fixed secret, from the environment, and make none when a process starts",
    )
