"""A store that makes its table when it is first used: two first messages at once, and one of them is refused.

Start it here with an empty `data` and send two of these at once (`&` after the first); one may get an error:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

# Writers wait 30 s for each other; the default of 5 s is short when many turns arrive at once.
engine = create_async_engine(f"sqlite+aiosqlite:///{DATA_DIR / 'chat.db'}", connect_args={"timeout": 30})


def get_memory(session_id: str):
    return Memory.from_defaults(session_id=session_id, async_engine=engine)


app = FastAPI()


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    memory = get_memory(session_id)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = await chat_engine.achat(payload["message"])
    return {"answer": str(response), "memory_size": len(await memory.aget_all())}
