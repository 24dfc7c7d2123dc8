"""The snapshot that is saved was taken before the run: what the run changes is in none.

Start it here, send this, then send "Is it approved?"; `approved` is false again:

    uvicorn broken:app
    curl localhost:8000/review -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "approve the draft"}'
"""

import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike


class Remark(StartEvent):
    text: str


class Review(Workflow):
    @step
    async def review(self, ctx: Context, ev: Remark) -> StopEvent:
        remarks = await ctx.store.get("remarks", default=[])
        approved = await ctx.store.get("approved", default=False)

        remarks = [*remarks, ev.text]
        approved = approved or ev.text.lower().startswith("approve")
        await ctx.store.set("remarks", remarks)
        await ctx.store.set("approved", approved)

        response = await Settings.llm.achat([ChatMessage(role="user", content=remark) for remark in remarks])
        return StopEvent(result={"answer": response.message.content, "approved": approved, "remarks": len(remarks)})


workflow = Review(timeout=60)


@asynccontextmanager
async def session_context(session_id: str):
    """The session's Context.

    The transaction takes the write lock before it reads, so that turns of all workers run one after the other and
    none saves over another's. PostgreSQL's `SELECT ... FOR UPDATE` would lock the one session only.
    """
    async with aiosqlite.connect(DATA_DIR / "contexts.db", timeout=60, isolation_level=None) as db:
        await db.execute("BEGIN IMMEDIATE")
        await db.execute("CREATE TABLE IF NOT EXISTS contexts (session_id TEXT PRIMARY KEY, context TEXT NOT NULL)")
        cursor = await db.execute("SELECT context FROM contexts WHERE session_id = ?", (session_id,))
        row = await cursor.fetchone()
        ctx = Context.from_dict(workflow, json.loads(row[0])) if row else Context(workflow)
        await db.execute("REPLACE INTO contexts VALUES (?, ?)", (session_id, json.dumps(ctx.to_dict())))
        yield ctx
        await db.execute("COMMIT")


app = FastAPI()


@app.post("/review")
async def review(payload: dict):
    async with session_context(payload["session_id"]) as ctx:
        return await workflow.run(ctx=ctx, start_event=Remark(text=payload["message"]))
