"""Memory: with `async_database_uri`, an SQLite file."""

from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory
from llama_index.llms.openai import OpenAI

app = FastAPI()
agent = FunctionAgent(llm=OpenAI(model="gpt-4o-mini"), tools=[])


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(
        session_id=payload["user"], token_limit=40000, async_database_uri="sqlite+aiosqlite:///memory.db"
    )
    response = await agent.run(payload["message"], memory=memory)
    return {"answer": str(response)}
