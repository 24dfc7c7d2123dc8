"""A default `Memory` for each session: its database in memory loses messages that come at once, and reports no error.

Start it here, send eight of these at once (`&` after each), then one more; `memory_size` is far from 18:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'

So it is with SQLAlchemy 2.1; with 2.0 only other workers and restarts forget.
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
memories = {}


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    if session_id not in memories:
        memories[session_id] = Memory.from_defaults(session_id=session_id)
    chat_engine = SimpleChatEngine.from_defaults(memory=memories[session_id])

    response = await chat_engine.achat(payload["message"])
    return {"answer": str(response), "memory_size": len(await memories[session_id].aget_all())}
