"""The conversation's key expires at a set time after its first turn, however long the talk goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.lifetimes import find_lifetime, is_renewed
from statecheck.judge.evidence.lines import anchor_of, defined_at
from statecheck.judge.evidence.services import find_same_keys
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case

_SHORTEST, _LONGEST = 60.0, 86_400.0
"""Seconds: what is less is told as a loss, and a talk of more than a day is rare."""


def find_unrenewed_key(case: Case) -> Observation | None:
    """Does a key that later turns go on writing to live on from the first turn, not from the last?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or len(conversation.turns) < 2 or case.app.carries_history:
        return None
    first, second = conversation.turns[:2]
    before, later = (list(conversation.select("wire", turn.number)) for turn in (first, second))
    for (address, key), written in find_same_keys(conversation, first, second).items():
        found = find_lifetime(before, address, key, lambda _: 0.0)
        goes_on = any(
            op.action == "write" and op.where == address and service_key(op.text) == key and second.marker in op.markers
            for op in later
        )
        if found is None or not _SHORTEST <= found[0] <= _LONGEST or not goes_on or is_renewed(later, address, key):
            continue
        seconds, op = found
        said = next((each for each in conversation.select("lifetime") if each.text == f"{seconds:g}"), None)
        stored = anchor_of(written)
        anchor = anchor_of(op) or defined_at(said) or stored
        return Observation(
            f"a conversation ends {_spell(seconds)} after its first turn, in the middle of a talk: its key is given "
            "its time to live once, and no later turn renews it",
            anchor,
            (Evidence(BASELINE, f"turn 1 let its key expire in {seconds:g} s, and turn 2 wrote to it and left that"),),
            kind="not-renewed",
            severity="warning",
            related_to=tuple(each for each in (stored,) if each is not None and each != anchor),
            fix="give the key its time to live anew with every turn (`expire` after each write), so that it is counted "
            "from the last message",
        )
    return None


def _spell(seconds: float) -> str:
    """A time in the greatest unit of which it has a whole number."""
    for unit, length in (("h", 3600), ("min", 60)):
        if not seconds % length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
