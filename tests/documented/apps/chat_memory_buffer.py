"""Deprecated memories: `ChatMemoryBuffer`, one for each user, handed to each run."""

from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.llms.openai import OpenAI

app = FastAPI()
agent = FunctionAgent(llm=OpenAI(model="gpt-4o-mini"), tools=[])
memories = {}


@app.post("/chat")
async def chat(payload: dict):
    memory = memories.setdefault(payload["user"], ChatMemoryBuffer.from_defaults(token_limit=40000))
    response = await agent.run(payload["message"], memory=memory)
    return {"answer": str(response)}
