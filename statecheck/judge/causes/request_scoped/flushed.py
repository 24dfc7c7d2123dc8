"""What a memory flushes goes into a block that was built in the request, and is gone with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, SEQUENTIAL
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.probe.ops import OpKind


_OUTSIDE: tuple[OpKind, ...] = ("chat-store", "sql", "wire", "file", "cache", "session")
_TAKES_NOTHING = "StaticMemoryBlock"  # it is handed what is flushed, as all are, and has its own words only


def find_flushed_turn(case: Case) -> Observation | None:
    """Was a turn flushed into a block that was built in that request, and given to no turn after it?"""
    for name in (CONTROL, BASELINE, *SEQUENTIAL):
        conversation = case.conversations.get(name)
        seen = _find_flush(conversation) if conversation is not None else None
        if conversation is None or seen is None:
            continue
        build, flushing, flushed = seen
        anchor = anchor_of(build)
        text = f"turn {flushing.number} flushed turn {flushed.number} into it, and no turn after that was given that"
        return Observation(
            f"what the memory has no room for goes into a {build.cls} that is built in the request and gone with it",
            anchor,
            (Evidence(name, text),),
            related_to=find_related(conversation, flushing, flushed.marker, anchor or case.handler),
            fix="build the block once for each session and keep it, or give it a store of its own that outlives the "
            "request (a `VectorMemoryBlock` over a vector store on disk)",
        )
    return None


def _find_flush(conversation: Conversation) -> tuple[Op, Sent, Sent] | None:
    """The building of a block, the turn in which it was built and took a turn, and that turn, if it never came back.

    A block that gives back what it took, in the same request, keeps it; one that took nothing, and gives a later turn
    anything that was flushed, is a view over a store.
    """
    taken: dict[str, Op] = {}
    filled = {(op.turn, op.generation, op.obj) for op in conversation.select("block", action="write")}
    for op in conversation.select("block"):
        first = conversation.first_of(op)
        empty = op.action == "read" and (op.turn, op.generation, op.obj) not in filled
        if empty and any(marker in taken and taken[marker].turn < op.turn for marker in op.markers):
            return None
        if first.turn == op.turn and first.frames and op.cls != _TAKES_NOTHING:
            held = [marker for marker in op.markers if op.action == "read" or not _is_kept(conversation, op, marker)]
            taken |= {marker: first for marker in held if marker not in taken}
    for flushed in conversation.turns:
        build = taken.get(flushed.marker)
        flushing = conversation.find_turn(build.turn) if build is not None else None
        later = [turn for turn in conversation.turns if flushing is not None and turn.number > flushing.number]
        answered = [turn for turn in later if turn.status == "ok"]
        if build is None or flushing is None or not answered or flushing.number <= flushed.number:
            continue
        if not any(conversation.is_given(turn, flushed, "model") for turn in answered):
            return build, flushing, flushed
    return None


def _is_kept(conversation: Conversation, taking: Op, marker: str) -> bool:
    """Whether what a block is given goes on into something else, which may outlive it.

    What was written before the memory archived it is the turn itself, whose answer may repeat all that was said.
    """
    archived = [op.time for op in conversation.select("chat-store", taking.turn) if op.action == "archive"]
    written = [op for f in _OUTSIDE for op in conversation.with_marker(f, marker) if op.turn == taking.turn]
    return any(op.action in ("write", "send") and op.time > max(archived, default=0) for op in written)
