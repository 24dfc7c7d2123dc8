"""A cache has room for four conversations, and they are nowhere else: the fifth customer pushes the first one out.

Start it here and send this with five session ids, then with the first again; `memory_size` says 2 to it again:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from functools import lru_cache

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from pydantic import BaseModel

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()


class Turn(BaseModel):
    session_id: str
    message: str


@lru_cache(maxsize=4)
def find_memory(session_id: str) -> ChatMemoryBuffer:
    return ChatMemoryBuffer.from_defaults(token_limit=3000)


@app.post("/chat")
async def chat(turn: Turn):
    memory = find_memory(turn.session_id)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = await chat_engine.achat(turn.message)
    return {"answer": str(response), "memory_size": len(memory.get_all())}
