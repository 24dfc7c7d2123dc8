"""A run that asks a person for a decision ends with the request that began it: nobody can answer it.

Start it here, send this, then send the answer ("Ada"); the question comes again:

    uvicorn broken:app
    curl localhost:8000/refunds -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "the lamp was broken"}'
"""

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
            await handler.cancel_run()
            return {"answer": event.prefix}
    return {"answer": str(await handler)}
