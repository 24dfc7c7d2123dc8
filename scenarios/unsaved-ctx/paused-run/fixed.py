"""The same run; its Context is saved under the session key when it asks, and the next message goes on from there.

Start it here, send this, then send the answer ("Ada"), after a restart if you like:

    uvicorn fixed:app
    curl localhost:8000/refunds -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "the lamp was broken"}'
"""

import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from fastapi import FastAPI
from llama_index.core.workflow import (
    Context,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
    Workflow,
    step,
)

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)


class Refund(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> InputRequiredEvent:
        await ctx.store.set("reason", ev.reason)
        return InputRequiredEvent(prefix="Who approves?")

    @step
    async def decide(self, ctx: Context, ev: HumanResponseEvent) -> StopEvent:
        return StopEvent(result=f"{await ctx.store.get('reason')}: approved by {ev.response}")


workflow = Refund(timeout=None)
app = FastAPI()


@asynccontextmanager
async def paused_runs():
    """The runs that wait for an answer; one request at a time looks at them and changes them."""
    async with aiosqlite.connect(DATA_DIR / "runs.db", timeout=60, isolation_level=None) as db:
        await db.execute("BEGIN IMMEDIATE")
        await db.execute("CREATE TABLE IF NOT EXISTS paused (session_id TEXT PRIMARY KEY, context TEXT NOT NULL)")
        yield db
        await db.execute("COMMIT")


@app.post("/refunds")
async def refunds(payload: dict):
    session_id, message = payload["session_id"], payload["message"]
    async with paused_runs() as db:
        cursor = await db.execute("DELETE FROM paused WHERE session_id = ? RETURNING context", (session_id,))
        row = await cursor.fetchone()
        if row is not None:
            handler = workflow.run(ctx=Context.from_dict(workflow, json.loads(row[0])))
            handler.ctx.send_event(HumanResponseEvent(response=message))
            return {"answer": str(await handler)}
        handler = workflow.run(reason=message)
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                paused = json.dumps(handler.ctx.to_dict())
                await db.execute("INSERT INTO paused VALUES (?, ?)", (session_id, paused))
                await handler.cancel_run()
                return {"answer": event.prefix}
        return {"answer": str(await handler)}
