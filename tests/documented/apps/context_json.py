"""Agents: a `Context` that is kept as JSON, in a file for each user."""

import json
from pathlib import Path

from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.workflow import Context, JsonSerializer
from llama_index.llms.openai import OpenAI

app = FastAPI()
agent = FunctionAgent(llm=OpenAI(model="gpt-4o-mini"), tools=[])


@app.post("/chat")
async def chat(payload: dict):
    file = Path(f"{payload['user']}.json")
    ctx = Context(agent)
    if file.exists():
        ctx = Context.from_dict(agent, json.loads(file.read_text()), serializer=JsonSerializer())
    response = await agent.run(payload["message"], ctx=ctx)
    file.write_text(json.dumps(ctx.to_dict(serializer=JsonSerializer())))
    return {"answer": str(response)}
