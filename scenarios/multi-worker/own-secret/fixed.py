"""The key that signs the cookies comes from outside and is the same for all processes and deployments.

Start it here and send this a few times; `memory_size` grows by 2 whichever worker answers:

    SESSION_SECRET=$(openssl rand -hex 32) uvicorn fixed:app --workers 2
    curl localhost:8000/chat -b jar -c jar -H 'content-type: application/json' \
        -d '{"message": "My name is Ada"}'

It needs `pip install itsdangerous`, as Starlette's sessions do.
"""

import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, Request
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from sqlalchemy.exc import OperationalError
from starlette.middleware.sessions import SessionMiddleware

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
app.add_middleware(SessionMiddleware, secret_key=os.environ["SESSION_SECRET"])


@app.post("/chat")
async def chat(request: Request, payload: dict):
    session_id = request.session.setdefault("id", str(uuid4()))
    memory = Memory.from_defaults(session_id=session_id, chat_store=chat_store)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = await chat_engine.achat(payload["message"])
    return {"answer": str(response), "memory_size": len(await memory.aget_all())}
