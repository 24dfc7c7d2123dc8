"""Agents: one `Context` for each user, handed to each run."""

from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.workflow import Context
from llama_index.llms.openai import OpenAI

app = FastAPI()
agent = FunctionAgent(llm=OpenAI(model="gpt-4o-mini"), tools=[])
contexts = {}


@app.post("/chat")
async def chat(payload: dict):
    ctx = contexts.setdefault(payload["user"], Context(agent))
    response = await agent.run(payload["message"], ctx=ctx)
    return {"answer": str(response)}
