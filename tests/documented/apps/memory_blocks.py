"""Memory: with a `StaticMemoryBlock`, on an SQLite file."""

from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory, StaticMemoryBlock
from llama_index.llms.openai import OpenAI

app = FastAPI()
agent = FunctionAgent(llm=OpenAI(model="gpt-4o-mini"), tools=[])


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(
        session_id=payload["user"],
        memory_blocks=[StaticMemoryBlock(name="core_info", static_content="We live in Leeds.", priority=0)],
        async_database_uri="sqlite+aiosqlite:///memory.db",
    )
    response = await agent.run(payload["message"], memory=memory)
    return {"answer": str(response)}
