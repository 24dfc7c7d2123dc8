"""Every message is a row of its own, and turns overlap: all are kept, but an answer may follow another's question.

Start it here, send eight of these at once (`&` after each), then look at the rows; the roles do not alternate:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)


class RemoteLLM(MockLLM):
    """The offline mock with a model's latency, so that no key is needed; any other model behaves alike."""

    async def achat(self, messages, **kwargs):
        await asyncio.sleep(0.05)
        return await super().achat(messages, **kwargs)


Settings.llm = RemoteLLM(max_tokens=8)


def database():
    return aiosqlite.connect(DATA_DIR / "chat.db", timeout=60, isolation_level=None)


async def load(db: aiosqlite.Connection, session_id: str) -> list[ChatMessage]:
    cursor = await db.execute("SELECT message FROM messages WHERE session_id = ? ORDER BY id", (session_id,))
    return [ChatMessage.model_validate_json(row[0]) for row in await cursor.fetchall()]


async def append(db: aiosqlite.Connection, session_id: str, message: ChatMessage) -> None:
    row = (session_id, message.model_dump_json())
    await db.execute("INSERT INTO messages (session_id, message) VALUES (?, ?)", row)


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with database() as db:
        await db.execute(
            "CREATE TABLE IF NOT EXISTS messages"
            " (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, message TEXT NOT NULL)"
        )
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/chat")
async def chat(payload: dict):
    question = ChatMessage(role="user", content=payload["message"])
    async with database() as db:
        await append(db, payload["session_id"], question)
        history = await load(db, payload["session_id"])
        response = await Settings.llm.achat(history)
        await append(db, payload["session_id"], response.message)
    return {"answer": response.message.content, "memory_size": len(history) + 1}
