"""A Context held a turn, and was dropped with its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of, anchors
from statecheck.judge.evidence.sent_history import find_dropped_history
from statecheck.judge.evidence.state_lines import find_related

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_dropped_context(case: Case) -> Observation | None:
    """Was turn 1's marker only in a workflow Context, or in a memory that an agent run made for itself?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first = conversation.turns[0]
    held = conversation.writes(first.number, first.marker)
    held = held or list(conversation.select("ctx-store", first.number, "unawaited"))
    in_context = [op for op in held if op.f == "ctx-store"]
    built_by_app = {op.obj for op in conversation.select(action="build") if not op.by_library}
    in_run = [op for op in held if op.f != "ctx-store" and op.by_library and op.obj not in built_by_app]
    own = [op for op in held if op.f != "ctx-store" and op not in in_run]
    if not in_context and (not in_run or own):
        return None if held else _find_paused_run(case, conversation, first)
    witness = (in_context or in_run)[0]
    kind, what, blamed = _name_kind(conversation, first, witness)
    context = next((op for op in conversation.select("context", first.number, "build") if op.frames), None)
    run = next(conversation.select("run", first.number), None)
    # where nothing of the user's calls `run`, because the workflow itself is the target: where that is made
    made = next((op for op in _find_builds(conversation, run) if not in_context), None)
    best = next((op for op in (blamed, run, context, witness, made) if op is not None and op.frames), None)
    anchor = anchor_of(best)
    return Observation(
        what,
        anchor,
        (case.reason(BASELINE),),
        kind=kind,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix="" if in_context else _KEEP_MEMORY,
    )


_OWN = "an agent run kept turn 1 in a memory of its own"


def _find_paused_run(case: Case, conversation: Conversation, first: Sent) -> Observation | None:
    """Was turn 1 a run that waits for a person's answer, and is its Context gone without having been saved?"""
    runs = conversation.select("run", first.number)
    run = next((op for op in runs if (op.generation, op.obj) in conversation.gone), None)
    asks = conversation.find_request(first)
    saved = any(op.action in ("to_dict", "load") for op in conversation.select("context") if op.turn)
    if run is None or asks is None or saved:
        return None
    return Observation(
        f"the run of turn 1 waits for a person ({asks.cls}), and its Context ended with the request or the connection: "
        "who comes back begins a new run",
        anchor_of(run),
        (case.reason(BASELINE),),
        kind="paused-run",
        related_to=tuple(anchors([asks], "asked")),
        fix="save `Context.to_dict()` under the session key when a run asks for an answer, and go on from "
        "`Context.from_dict()` when it comes, in whatever connection",
    )


_KEEP_MEMORY = (
    "keep the agent's memory in a database under the session key, and pass it to every run: "
    "`agent.run(..., memory=memory)`"
)
"""A saved Context would leave the agent's memory out (SC107)."""


def _name_kind(conversation: Conversation, first: Sent, witness: Op) -> tuple[str | None, str, Op | None]:
    """The kind of loss, what happened in words, and the op whose line is to blame if that is not the run's."""
    value, ended = f"`{witness.name}`", "which ended with the run: turn 2 began with an empty one"
    run = next(conversation.select("run", first.number), None)
    deaf = next((op for op in _find_builds(conversation, run) if "memory" in op.arguments), None)
    if witness.action == "unawaited":
        return "unawaited-write", f"turn 1 called `set` for {value} of a workflow Context and never awaited it", witness
    if witness.action == "mutate":
        return "unset-mutation", f"turn 1 changed {value} of a workflow Context in place and never set it", witness
    if witness.f != "ctx-store" and deaf is not None:
        return "ignored-memory", f"{deaf.cls} ignores the memory that it was built with: its run made its own", deaf
    what = f"turn 1 set {value} in a workflow Context" if witness.f == "ctx-store" else _OWN
    if _is_stale(conversation):
        late = "the snapshot that is saved was taken before the run, or is never loaded"
        return "stale-snapshot", f"{what}; {late}", None
    return None, f"{what}, {ended}", None


def _find_builds(conversation: Conversation, run: Op | None) -> list[Op]:
    """Where the workflow that ran was built."""
    builds = conversation.select("workflow", action="build")
    return [op for op in builds if run is not None and op.cls == run.cls and op.frames]


def _is_stale(conversation: Conversation) -> bool:
    """Whether Contexts are saved, but before what should be saved has happened, or only to be never loaded."""
    saved = [op for op in conversation.select("context") if op.action == "to_dict" and op.turn]
    ran = {op.turn: op.time for op in conversation.select("run") if op.turn}  # the last of each turn
    if not saved or not ran:
        return False
    loaded = any(op.action == "load" for op in conversation.select("context"))
    return not loaded or all(op.time < ran.get(op.turn, 0) for op in saved)


def find_unused_history(case: Case) -> Observation | None:
    """Did the client send turn 1 with turn 2, and was the agent's run not given it?"""
    return find_dropped_history(case, by_agent=True)
