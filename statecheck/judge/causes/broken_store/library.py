"""One turn after another: the library's own code drops, refuses or changes what it was given to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case

_REFUSALS = ("PydanticSerializationError", "chat_message_serialization", "'index_key' is expected")
"""How the library's own code refuses to keep what it was given, by no fault of the app."""


def find_broken_write(case: Case) -> Observation | None:
    """Did the library drop or refuse, in one process and one turn after another, what the app gave it to keep?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or case.kept(BASELINE):
        return None
    refused = [op for op in conversation.ops if op.type == "fail" and op.f != "turn" and _is_refusal(op.error)]
    dropped = [op for op in conversation.select("warning") if op.turn] if _comes_back(conversation) else []
    vanished = _find_vanished(conversation)
    witness = next(iter([*refused, *dropped, *vanished]), None)
    if witness is None:
        return None
    versions = ", ".join(f"{name} {version}" for name, version in sorted(case.app.versions.items()))
    if refused:
        kind, what = "refused-write", f"the library refused to store a turn ({witness.error[:160]})"
    elif dropped:
        kind, what = (
            "dropped-memory",
            "LlamaIndex dropped `memory` when it serialized a Context, so the next run starts without",
        )
    else:
        kind, what = "silent-loss", f"{witness.cls} acknowledged turn 1 and does not have it at turn 2"
    anchor = anchor_of(witness)
    summary = f"{what}; installed: {versions}" if versions else what
    return Observation(summary, anchor, (Evidence(BASELINE, what),), kind=kind)


def _is_refusal(error: str) -> bool:
    return any(sign in error for sign in _REFUSALS)


def _comes_back(conversation: Conversation) -> bool:
    """Whether turn 2 loads a Context, or runs on that of turn 1: what is dropped from any other is not missed."""
    sent = conversation.turns
    if len(sent) < 2:
        return False
    if any(op.action == "load" for op in conversation.select("context", sent[1].number)):
        return True
    fresh = {op.obj for op in conversation.select("context", sent[1].number, "build")}
    return any("ctx" in op.arguments and op.parent not in fresh for op in conversation.select("run", sent[1].number))


def _find_vanished(conversation: Conversation) -> list[Op]:
    """Reads of a store object that was written to under the same key in turn 1 and has not got it any more."""
    sent = conversation.turns
    if len(sent) < 2:
        return []
    first, second = sent[:2]
    written = {
        (op.pid, op.obj, op.key)
        for op in conversation.writes(first.number, first.marker)
        if op.f == "chat-store" and op.obj
    }
    cleared = {op.obj for op in conversation.ops if op.action in ("delete", "reset", "persist")}
    cleared |= {op.obj for op in conversation.select(action="overwrite") if first.marker not in op.markers}
    own = conversation.own_reads(second.number)
    reads = [op for op in own if (op.pid, op.obj, op.key) in written and op.obj not in cleared]
    return reads if reads and not any(first.marker in op.markers for op in reads) else []


def find_pickled_memory(case: Case) -> Observation | None:
    """Did turn 2 get a memory under turn 1's key in RAM, where turn 1's had a database, as by pickle?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    written = [op for op in conversation.writes(first.number, first.marker) if "://" in op.where and op.key]
    stored = {op.key: op for op in written if ":memory:" not in op.where}
    for op in conversation.own_reads(second.number):
        if ":memory:" not in op.where or op.key not in stored:
            continue
        before = stored[op.key]
        saved = [each for each in conversation.select(turn=first.number, action="write") if each.f in ("wire", "file")]
        loaded = conversation.builds_of(op.pid, op.obj)  # pickle makes the memory anew, and so builds it
        anchor = next(filter(None, map(anchor_of, (*loaded, *reversed(saved)))), None) or anchor_of(before)
        where = f"a `{op.cls}` was on `{before.where}` in turn 1"
        return Observation(
            f"{where} and came back on `{op.where}`, without its messages: pickling keeps its session id alone",
            anchor,
            (case.reason(BASELINE),),
            kind="pickled",
            fix="do not pickle the memory: build it in each turn from the session id and its `async_engine`, where its "
            "messages are",
        )
    return None


def find_defect(case: Case) -> Observation | None:
    """Did a library's store do something else than it was asked to, in any experiment?"""
    for conversation in case.conversations.values():
        op = next(conversation.select("defect"), None)
        if op is None or conversation.experiment not in case.outcomes:
            continue
        anchor = anchor_of(op)
        what = f"`{op.cls}.{op.method}` {_DEFECTS[op.name]}"
        mends = (
            f"do without `{op.method}`: read the messages, empty the key (`delete_messages`) and add what is to stay"
        )
        evidence = (
            Evidence(conversation.experiment, f"turn {op.turn} called it, and what was left is not what it says"),
        )
        summary = f"{what}; it is the library's own code: {op.where}" if op.where else what
        return Observation(summary, anchor, evidence, kind=op.name, fix=mends)
    return None


_DEFECTS = {
    "reverses": "wrote the messages that stay back in reverse order, so that the next one to go is the newest",
    "doubles": "kept what it was to replace, so that the history is there twice",
}
"""What a store did instead, by the kind."""
