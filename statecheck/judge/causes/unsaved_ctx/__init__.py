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

from statecheck.judge.cause import Cause, Question, Symptom, Topic
from statecheck.judge.causes.unsaved_ctx.contexts import find_dropped_context, find_unused_history
from statecheck.judge.causes.unsaved_ctx.examples import COUNTEREXAMPLES, EXAMPLES

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
                "cannot pickle '",
                "ContextSerdeError",
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
            "each run has a Context of its own: save it after the run and hand it to the next one",
            phrases=(
                "workflow|agentworkflow|functionagent|reactagent|ctx run|runs|context|ctx|store|state|memory|step "
                "$forgets",
                "run|runs context|ctx $forgets|raises|raised|error|keyerror|valueerror",
                "context|ctx dict|restore|restored|serializ|deserializ|snapshot|pickle $forgets",
                "workflow|wf|handler|run restart|redeploy|deploy twice|again|lost|none|null|stuck|gone|404",
            ),
        ),
        Symptom(
            "a run that waits for a person is in one process's memory, or its Context was not saved: keep it where any "
            "process finds it, and resume it from there",
            phrases=(
                "hitl|human|approval|approve|humanresponseevent|inputrequiredevent|confirmation "
                "hang|hangs|stuck|waits|waiting|never|resume|resumes|resumed|lost|twice|not|nothing|forgets|404|unknown",
                "resume|resumes|resumed|resuming twice|again|never|lost|nothing|hang|hangs|restart|wrong",
            ),
        ),
        Symptom(
            "a write was never awaited, so it never happened", ("coroutine '*' was never awaited",), "unset-mutation"
        ),
    ),
    examples=EXAMPLES,
    counterexamples=COUNTEREXAMPLES,
    doc=__doc__ or "",
)
