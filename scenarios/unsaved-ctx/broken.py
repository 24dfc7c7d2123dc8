"""A review workflow that sets `approved` in its Context, which nobody keeps: the next request starts afresh.

Start it here, send this, then send "Is it approved?"; `approved` is false again:

    uvicorn broken:app
    curl localhost:8000/review -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "approve the draft"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

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
app = FastAPI()


@app.post("/review")
async def review(payload: dict):
    ctx = Context(workflow)
    return await workflow.run(ctx=ctx, start_event=Remark(text=payload["message"]))
