"""A `Memory` with the right session id and no database: its messages are rows in a `:memory:` database of its own.

Start it here and send this twice; `memory_size` says 2 both times:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"])
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = await chat_engine.achat(payload["message"])
    return {"answer": str(response), "memory_size": len(await memory.aget_all())}
