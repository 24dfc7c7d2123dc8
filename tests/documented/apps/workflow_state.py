"""Workflows: what a step keeps in `ctx.store`, in a file for each user."""

import json
from pathlib import Path

from fastapi import FastAPI
from llama_index.core.llms import ChatMessage
from llama_index.core.workflow import Context, JsonSerializer, StartEvent, StopEvent, Workflow, step
from llama_index.llms.openai import OpenAI

app = FastAPI()


class Chat(Workflow):
    @step
    async def answer(self, ctx: Context, ev: StartEvent) -> StopEvent:
        said = await ctx.store.get("said", default=[])
        messages = [ChatMessage(role="user", content=each) for each in [*said, ev.message]]
        response = await OpenAI(model="gpt-4o-mini").achat(messages)
        await ctx.store.set("said", [*said, ev.message, str(response.message.content)])
        return StopEvent(result=str(response))


workflow = Chat()


@app.post("/chat")
async def chat(payload: dict):
    file = Path(f"{payload['user']}.json")
    ctx = Context(workflow)
    if file.exists():
        ctx = Context.from_dict(workflow, json.loads(file.read_text()), serializer=JsonSerializer())
    response = await workflow.run(message=payload["message"], ctx=ctx)
    file.write_text(json.dumps(ctx.to_dict(serializer=JsonSerializer())))
    return {"answer": str(response)}
