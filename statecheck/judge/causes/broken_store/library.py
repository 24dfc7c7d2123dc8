"""One turn after another: the library's own code drops, refuses or changes what it was given to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.causes.broken_store.refusals import find_stored, is_poisoned, is_refusal, name_library, say
from statecheck.judge.evidence.lines import anchor_of
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case


def find_broken_write(case: Case) -> Observation | None:
    """Did the library drop or refuse, in one process and one turn after another, what the app gave it to keep?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or case.kept(BASELINE):
        return None
    refused = _list_refused(conversation)
    dropped = [op for op in conversation.select("warning") if op.turn] if _comes_back(conversation) else []
    vanished = _find_vanished(conversation)
    witness = next(iter([*refused, *dropped, *vanished]), None)
    if witness is None:
        return None
    if refused:
        asked = f"`{witness.cls}`" if witness.cls else "the library"
        done = "read a conversation" if witness.action == "read" else "store a turn"
        kind, what = "refused-write", f"{asked} refused to {done} ({say(witness)})"
    elif dropped:
        kind, what = (
            "dropped-memory",
            "LlamaIndex dropped `memory` when it serialized a Context, so the next run starts without",
        )
    else:
        kind, what = "silent-loss", f"{witness.cls} acknowledged turn 1 and does not have it at turn 2"
    anchor = anchor_of(witness)
    summary = what + name_library(case, conversation, witness)
    return Observation(summary, anchor, (Evidence(BASELINE, what),), kind=kind)


def _list_refused(conversation: Conversation) -> list[Op]:
    """What is refused and is not stored all the same, where it is not what was stored that refuses to be read."""
    refused = [op for op in conversation.ops if is_refusal(op) and not is_poisoned(conversation, op)]
    stored = {(op.cls, op.error) for op in refused if find_stored(conversation, op)}
    return [op for op in refused if (op.cls, op.error) not in stored]


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
    seen = [
        (conversation, op)
        for conversation in case.conversations.values()
        if conversation.experiment in case.outcomes
        for op in conversation.select("defect")
    ]
    if not seen:
        return None
    conversation, op = min(seen, key=lambda each: [*_DEFECTS].index(each[1].name))
    others = {each.name: each for _, each in seen if each.name != op.name}
    what = f"`{op.cls}.{op.method}` {_DEFECTS[op.name]}"
    besides = "".join(f"; `{other.method}` also {_DEFECTS[name]}" for name, other in others.items())
    summary = f"{what}{besides}; it is the library's own code: {op.distribution}" if op.distribution else what + besides
    return Observation(
        summary,
        anchor_of(op),
        (Evidence(conversation.experiment, f"turn {op.turn} called it, and what was left is not what it says"),),
        kind=op.name,
        severity="warning" if op.name == "drops-ttl" else "error",
        fix=_MENDS[op.name].format(op.method),
    )


_DEFECTS = {
    "reverses": "wrote the messages that stay back in reverse order, so that the next one to go is the newest",
    "doubles": "kept what it was to replace, so that the history is there twice",
    "merges": "merged the new value into the old one, so that the fields that it was to drop are still there",
    "drops-ttl": "wrote the key anew without its time to live, so that the conversation never expires",
}
"""What a store did instead, by the kind, the worst first."""
_ANEW = "do without `{}`: read the messages, empty the key (`delete_messages`) and add what is to stay"
_MENDS = {
    "reverses": _ANEW,
    "doubles": _ANEW,
    "merges": "delete the key before `{}`, or put every field each time, with None for one that is gone",
    "drops-ttl": _ANEW,
}
