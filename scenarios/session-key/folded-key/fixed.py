"""A user's name is made a key by a digest of it, of which no two names have the same.

Start it here and send this twice, the second time as `Ada.Byron`; `memory_size` says 2 then:

    uvicorn fixed:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"username": "ada-byron", "message": "My name is Ada"}'
"""

import hashlib
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

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
    username: str
    message: str


def make_key(username: str) -> str:
    return hashlib.sha256(username.encode()).hexdigest()


@app.post("/chat")
async def chat(turn: Turn):
    memory = Memory.from_defaults(session_id=make_key(turn.username), chat_store=chat_store)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = await chat_engine.achat(turn.message)
    return {"answer": str(response), "memory_size": len(await memory.aget_all())}
