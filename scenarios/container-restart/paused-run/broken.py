"""A run that waits for a person is saved, on the container's own disk: a redeploy drops it unanswered.

Start it here and send this; whoever approves it does so at `/approvals`, perhaps the next day:

    uvicorn broken:app
    curl localhost:8000/refunds -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "the lamp was broken"}'
    curl localhost:8000/approvals -H 'content-type: application/json' -d '{"session_id": "ada", "name": "Grace"}'
"""

import json
from pathlib import Path

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

CHECKPOINTS = Path(__file__).parent / "checkpoints"


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


@app.post("/refunds")
async def refunds(payload: dict):
    handler = workflow.run(reason=payload["message"])
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            CHECKPOINTS.mkdir(exist_ok=True)
            (CHECKPOINTS / f"{payload['session_id']}.json").write_text(json.dumps(handler.ctx.to_dict()))
            await handler.cancel_run()
            return {"answer": event.prefix}
    return {"answer": str(await handler)}


@app.post("/approvals")
async def approvals(payload: dict):
    checkpoint = json.loads((CHECKPOINTS / f"{payload['session_id']}.json").read_text())
    handler = workflow.run(ctx=Context.from_dict(workflow, checkpoint))
    handler.ctx.send_event(HumanResponseEvent(response=payload["name"]))
    return {"answer": str(await handler)}
