"""Turns at once: the library's store refuses them, or is never done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import COLD_START, OVERLAPPING
from statecheck.judge.cause import Observation
from statecheck.judge.checks.lost_update import meets_another_loop
from statecheck.judge.evidence.lines import anchor_of
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_cold_start(case: Case) -> Observation | None:
    """Did the library refuse one of two first turns at once, for want of the table that the other was making?"""
    conversation = case.conversations.get(COLD_START)
    if conversation is None:
        return None
    writing = [op for op in conversation.ops if op.type == "fail" and op.f in ("chat-store", "memory")]
    witness = next((op for op in writing if any(sign in op.error for sign in _NO_TABLE)), None)
    if witness is None:
        return None
    refused = sum(turn.status == "fail" for turn in conversation.turns)
    said = " ".join(witness.error.split())[:120]
    seen = f"{refused} refused" if refused else "the store failed in an answer that had begun"
    what = f"two first turns at once on an empty store: {seen} ({said})"
    anchor = anchor_of(witness)
    mends = "touch the store once at start-up, before requests come: `await memory.aget_all()`"
    evidence = (Evidence(COLD_START, what),)
    return Observation(what, anchor, evidence, kind=COLD_START, severity="warning", fix=mends)


_NO_TABLE = ("no such table", "already exists", "already defined", "does not exist", "UniqueViolation")
"""What databases say of a table that another turn is making, or has just made."""


def find_several_threads(case: Case) -> Observation | None:
    """Did a store break when threads used it at once, each by an event loop of its own?"""
    for name in OVERLAPPING:
        conversation = case.conversations.get(name)
        stores = [op for op in conversation.ops if op.f in ("chat-store", "memory")] if conversation else []
        witness = meets_another_loop(stores)
        if conversation is None or witness is None:
            continue
        _, during, reader = conversation.overlap
        counts = {"refused": "fail", "never answered": "info"}
        sums = [f"{sum(turn.status == status for turn in during)} {word}" for word, status in counts.items()]
        after = ", and later ones too" if reader is not None and reader.status != "ok" else ""
        said = re.sub(r" object at 0x\w+( \[.*?\])?", "", " ".join(witness.error.split()))[:120]
        what = f"{len(during)} turns at once in threads that share a `{witness.cls}`: {', '.join(sums)}{after} ({said})"
        anchor = anchor_of(witness)
        mends = "use its async methods (`achat`) in `async def` handlers, or let one thread at a time use it (a lock)"
        evidence = (Evidence(name, what),)
        return Observation(what, anchor, evidence, kind="several-threads", severity="warning", fix=mends)
    return None
