"""Every message is a row of its own, inserted when it is known: turns that overlap cannot lose one.

Start it here, send eight of these at once (`&` after each), then one more; `memory_size` is 18:

    uvicorn fixed:app
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
    return aiosqlite.connect(DATA_DIR / "chat.db", timeout=30)


async def load(session_id: str) -> list[ChatMessage]:
    async with database() as db:
        cursor = await db.execute("SELECT message FROM messages WHERE session_id = ? ORDER BY id", (session_id,))
        rows = await cursor.fetchall()
    return [ChatMessage.model_validate_json(row[0]) for row in rows]


async def append(session_id: str, message: ChatMessage) -> None:
    async with database() as db:
        await db.execute(
            "INSERT INTO messages (session_id, message) VALUES (?, ?)", (session_id, message.model_dump_json())
        )
        await db.commit()


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
    await append(payload["session_id"], ChatMessage(role="user", content=payload["message"]))
    history = await load(payload["session_id"])
    response = await Settings.llm.achat(history)
    await append(payload["session_id"], response.message)
    return {"answer": response.message.content, "memory_size": len(history) + 1}
