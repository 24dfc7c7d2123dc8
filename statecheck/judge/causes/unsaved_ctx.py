"""SC104 unsaved-ctx: a workflow's Context is dropped when its run ends.

## What it means

What a workflow or an agent knew was in its `Context`, and that `Context` was dropped when the run ended. The next
request starts from nothing: `approved` is False again.

## Why it happens

Every `run()` without `ctx=` makes a `Context` of its own; an agent's run makes its own memory in it, too, wherever
the agent object lives. A `Context` that is passed to the next run carries its state on, but only within the
process. Nothing is saved by itself: there is no checkpointer in today's LlamaIndex. Some mistakes look like saving:
`ctx.approved = True` sets an attribute that no run reads, `ctx.store.set(...)` without `await` does nothing,
`FunctionAgent(memory=...)` takes the argument and ignores it, and changing what `ctx.store.get()` returned without
`set()` works in memory and is lost with `SqliteStateStore`. (`ctx.state`, `ctx.set` and `ctx.get` are gone:
AttributeError.)

## How statecheck shows it

In `same-process`, turn 1 writes to a `Context`'s store, turn 2 runs with another `Context`, and reads nothing. The
record says which objects those were, and whether `to_dict` was ever called, and its result loaded. The anchor is
the `run(` that drops it.

## Example

```python
from fastapi import FastAPI
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

app = FastAPI()


class Approval(Workflow):
    @step
    async def handle(self, ctx: Context, ev: StartEvent) -> StopEvent:
        seen = await ctx.store.get("seen", default=[])
        await ctx.store.set("seen", [*seen, ev.message])
        return StopEvent(result=f"earlier: {seen}")


workflow = Approval()


@app.post("/chat")
async def chat(payload: dict):
    return {"answer": await workflow.run(message=payload["message"])}  # a Context of its own, dropped here
```

## Fix

Save `Context.to_dict()` after the run under the session key, and begin the next run from it. Load, run and save are
one step: lock the session meanwhile (SC105).

```python
import asyncio
import json
import sqlite3
from collections import defaultdict

from fastapi import FastAPI
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

app = FastAPI()
locks = defaultdict(asyncio.Lock)


def database():
    connection = sqlite3.connect("contexts.db")
    connection.execute("CREATE TABLE IF NOT EXISTS contexts (session_id TEXT PRIMARY KEY, state TEXT)")
    return connection


class Approval(Workflow):
    @step
    async def handle(self, ctx: Context, ev: StartEvent) -> StopEvent:
        seen = await ctx.store.get("seen", default=[])
        await ctx.store.set("seen", [*seen, ev.message])
        return StopEvent(result=f"earlier: {seen}")


workflow = Approval()


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    async with locks[session_id]:
        with database() as db:
            row = db.execute("SELECT state FROM contexts WHERE session_id = ?", [session_id]).fetchone()
        ctx = Context.from_dict(workflow, json.loads(row[0])) if row else Context(workflow)
        answer = await workflow.run(ctx=ctx, message=payload["message"])
        with database() as db:
            db.execute("REPLACE INTO contexts VALUES (?, ?)", [session_id, json.dumps(ctx.to_dict())])
    return {"answer": answer}
```

For an agent, keep its memory instead, and pass it to every run (the snapshot of an agent's `Context` leaves the
memory out, see SC107):

```python
from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")
agent = FunctionAgent(tools=[])


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"], async_engine=engine)
    return {"answer": str(await agent.run(payload["message"], memory=memory))}
```

## Kinds

- `unset-mutation`: what `ctx.store.get()` returned was changed, and never set again.
- `unawaited-write`: `ctx.store.set(...)` was called without `await`, so nothing was set.
- `ignored-memory`: a memory was handed over where it is ignored, so that the run made its own.
- `stale-snapshot`: `to_dict()` was called before the run, or its result is never loaded.
- `paused-run`: a run that asks something of a person lives as long as the request or the connection that began it.
- `history-dropped`: the client sends the whole conversation, and the agent's run is given the newest message alone, so
  it begins with an empty memory of its own. Hand the earlier ones on: `agent.run(message, chat_history=earlier)`.

## See also

SC101 when the app built the memory itself, SC107 when the library drops it from the snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.evidence.lines import anchor_of, anchors
from statecheck.judge.evidence.sent_history import find_dropped_history
from statecheck.judge.evidence.state_lines import find_related

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case

_OWN = "an agent run kept turn 1 in a memory of its own"


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


def find_unused_history(case: Case) -> Observation | None:
    """Did the client send turn 1 with turn 2, and was the agent's run not given it?"""
    return find_dropped_history(case, by_agent=True)


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


_DROPPED = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store read #2 name=seen run=r1 @flow.py:9
1a ctx-store write #2 1 name=seen run=r1 @flow.py:10
1a gone #1
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store read #4 name=seen run=r2 @flow.py:9
2a ctx-store write #4 2 name=seen run=r2 @flow.py:10
2a <
"""
_SAVED_TOO_EARLY = _DROPPED.replace("1a run", "1a context to_dict #1 @app.py:19\n1a run")
_CHANGED_IN_PLACE = _DROPPED.replace("store write", "store mutate")
_SET_BEFORE_IT_IS_READ = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store write #2 1 name=seen run=r1 @flow.py:9
1a ctx-store read #2 1 name=seen run=r1 @flow.py:10
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store write #4 2 name=seen run=r2 @flow.py:9
2a <
"""
_GIVEN_AGAIN = _DROPPED.replace("2a ctx-store read #4", "2a ctx-store read #4 1")

CAUSE = Cause(
    code="SC104",
    name="unsaved-ctx",
    question="Was turn 1 held by a workflow Context, or by the memory an agent run makes for itself, that was dropped?",
    questions=(
        Question(
            find_unused_history,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=5,
        ),
        Question(
            find_dropped_context,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=40,
        ),
    ),
    rank=20,
    fix="save `Context.to_dict()` under the session key after each run and start the next from `Context.from_dict()`; "
    "give an agent the same stored `memory=` on every run",
    kinds=("unset-mutation", "unawaited-write", "ignored-memory", "stale-snapshot", "paused-run", "history-dropped"),
    symptoms=(
        Symptom(
            "a value in the Context cannot be saved; store plain data, and open clients and locks elsewhere",
            (
                "Failed to serialize state value for key *:",
                "Failed to serialize value: <class",
                "Can't pickle local object *<lambda>",
                "keys must be str, int, float, bool or None, not ModelMetaclass",
            ),
        ),
        Symptom(
            "the app swallows the error and forgets; the error before it says why",
            ("Failed to restore context, starting fresh",),
            "stale-snapshot",
        ),
        Symptom(
            "a saved Context does not fit the code that loads it; save the version beside it and start "
            "anew where it differs",
            (
                "the provided payload has a wrong or old format",
                "Attempt to deserialize context failed",
                "Context dict specified in an invalid format:",
                "Cannot load serialized workflow context with version=",
                "1 validation error for AgentStream",
                "Worker * not found in in_progress",
                "Cannot parse store_type '*' as InMemorySerializedState",
                "Stored handler result cannot be decoded",
            ),
        ),
        Symptom(
            "name the class in the serializer's allowed_types",
            ("is not in the serializer's allowed types",),
        ),
        Symptom(
            "this run's Context is not the one that was written to; load the saved one, and give `get` a default",
            ("Path '*' not found in state",),
        ),
        Symptom(
            "use `await ctx.store.get` and `await ctx.store.set`",
            (
                "'Context' object has no attribute 'state'",
                "'Context' object has no attribute 'get'",
                "'Context' object has no attribute 'set'",
                "'Context' object has no attribute 'data'",
                "'InMemoryStateStore' object does not support item assignment",
                "'InMemoryStateStore' object is not subscriptable",
                "'StateStoreFacade' object does not support item assignment",
                "'StateStoreFacade' object is not subscriptable",
            ),
        ),
        Symptom(
            "the app's own message: nothing was saved for this run, or another worker holds it",
            ("No existing state found for workflow_id",),
        ),
        Symptom(
            "the app's own message: save `Context.to_dict()` after the run",
            ("Workflow state was not persisted",),
        ),
        Symptom(
            "read a durable Context inside a step, or after run() was called",
            ("Context.store cannot be accessed before workflow start for durable state store",),
        ),
        Symptom(
            "a write was never awaited, so it never happened", ("coroutine '*' was never awaited",), "unset-mutation"
        ),
    ),
    examples=(
        Example("each run has a Context of its own", {BASELINE: _DROPPED}),
        Example("a snapshot is taken before the run", {BASELINE: _SAVED_TOO_EARLY}, "stale-snapshot"),
        Example("a value is changed and not set", {BASELINE: _CHANGED_IN_PLACE}, "unset-mutation"),
    ),
    counterexamples=(
        Example("a value is set before it is read: scratch", {BASELINE: _SET_BEFORE_IT_IS_READ}),
        Example("the next run has the value", {BASELINE: _GIVEN_AGAIN}),
    ),
    doc=__doc__ or "",
)
