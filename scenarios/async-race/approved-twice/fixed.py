"""A run that waits for a person goes on once: whoever answers first takes it out of its table.

Start it here, order something, and answer twice at once; the second answer gets a 404:

    uvicorn fixed:app
    curl localhost:8000/orders -H 'content-type: application/json' -d '{"goods": "a lamp"}'
    curl localhost:8000/orders/ORDER_ID/answer -H 'content-type: application/json' -d '{"response": "yes"}'
"""

import json
import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from fastapi import FastAPI, HTTPException
from llama_index.core.workflow import (
    Context,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
    Workflow,
    step,
)
from pydantic import BaseModel

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)


class Order(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> InputRequiredEvent:
        await ctx.store.set("goods", ev.goods)
        return InputRequiredEvent(prefix=f"Buy {ev.goods}?")

    @step
    async def buy(self, ctx: Context, ev: HumanResponseEvent) -> StopEvent:
        goods = await ctx.store.get("goods")
        return StopEvent(result=f"bought, {ev.response}: {goods}")


workflow = Order(timeout=None)
app = FastAPI()


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(DATA_DIR / "orders.db", timeout=30, isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, context TEXT)")
    return connection


class Wanted(BaseModel):
    goods: str


class Verdict(BaseModel):
    response: str


@app.post("/orders")
async def order(wanted: Wanted):
    handler = workflow.run(goods=wanted.goods)
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            order_id = uuid.uuid4().hex
            with closing(database()) as db:
                db.execute("INSERT INTO orders VALUES (?, ?)", [order_id, json.dumps(handler.ctx.to_dict())])
            await handler.cancel_run()
            return {"order_id": order_id, "question": event.prefix}
    return {"answer": await handler}


@app.post("/orders/{order_id}/answer")
async def answer(order_id: str, verdict: Verdict):
    with closing(database()) as db:
        row = db.execute("DELETE FROM orders WHERE id = ? RETURNING context", [order_id]).fetchone()
    if row is None:
        raise HTTPException(404, "nothing waits for this answer")
    handler = workflow.run(ctx=Context.from_dict(workflow, json.loads(row[0])))
    handler.ctx.send_event(HumanResponseEvent(response=verdict.response))
    return {"answer": await handler}
