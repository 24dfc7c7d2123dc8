"""A conversation goes by the hotel and the room.

Start it here and send this, then send it with `X-Hotel: harbour`; `memory_size` says 2 there:

    uvicorn fixed:app
    curl localhost:8000/rooms/12/chat -H 'content-type: application/json' -H 'X-Hotel: station' \
        -d '{"message": "My name is Ada"}'
"""

import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Header, HTTPException
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

HOTELS = ("station", "harbour")

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

chat_store = SQLAlchemyChatStore(
    table_name="llama_index_memory",
    async_database_uri=f"sqlite+aiosqlite:///{DATA_DIR / 'chat.db'}?timeout=30",
)


@asynccontextmanager
async def lifespan(app: FastAPI):
    with suppress(OperationalError):  # another worker made the table at the same moment
        await chat_store.get_keys()  # makes the table before the first requests can race for it
    yield


app = FastAPI(lifespan=lifespan)


class Turn(BaseModel):
    message: str


@app.post("/rooms/{room}/chat")
async def chat(room: int, turn: Turn, x_hotel: str = Header()):
    if x_hotel not in HOTELS:
        raise HTTPException(403, "no such hotel")
    session_id = f"{x_hotel}/{room}"
    memory = Memory.from_defaults(session_id=session_id, chat_store=chat_store)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = await chat_engine.achat(turn.message)
    return {"room": room, "answer": str(response), "memory_size": len(await memory.aget_all())}
