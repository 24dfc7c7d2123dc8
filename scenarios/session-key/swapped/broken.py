"""One chat engine for everybody, whose memory every request exchanges: two users at once get into each other's.

Start it here and send this twice at the same moment, once as "ada" and once as "bob", with a model that takes its time;
alone, each is remembered:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from sqlalchemy.exc import OperationalError

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

chat_store = SQLAlchemyChatStore(
    table_name="llama_index_memory",
    async_database_uri=f"sqlite+aiosqlite:///{DATA_DIR / 'chat.db'}?timeout=30",
)
chat_engine = SimpleChatEngine.from_defaults()


@asynccontextmanager
async def lifespan(app: FastAPI):
    with suppress(OperationalError):  # another worker made the table at the same moment
        await chat_store.get_keys()  # makes the table before the first requests can race for it
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    memory = Memory.from_defaults(session_id=session_id, chat_store=chat_store)
    chat_engine._memory = memory  # noqa: SLF001 - it is what people do; it holds until the next request comes

    response = await chat_engine.achat(payload["message"])
    return {"session_id": session_id, "answer": str(response), "memory_size": len(chat_engine.chat_history)}
