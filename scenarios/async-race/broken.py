"""Load the history, wait for the model, save the history: turns that overlap save over each other.

Start it here, send eight of these at once (`&` after each), then one more; `memory_size` is far from 18:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import asyncio
import json
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
        cursor = await db.execute("SELECT messages FROM histories WHERE session_id = ?", (session_id,))
        row = await cursor.fetchone()
    return [ChatMessage.model_validate(message) for message in json.loads(row[0])] if row else []


async def save(session_id: str, history: list[ChatMessage]) -> None:
    messages = json.dumps([message.model_dump(mode="json") for message in history])
    async with database() as db:
        await db.execute("REPLACE INTO histories VALUES (?, ?)", (session_id, messages))
        await db.commit()


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with database() as db:
        await db.execute("CREATE TABLE IF NOT EXISTS histories (session_id TEXT PRIMARY KEY, messages TEXT NOT NULL)")
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/chat")
async def chat(payload: dict):
    history = await load(payload["session_id"])
    history.append(ChatMessage(role="user", content=payload["message"]))
    response = await Settings.llm.achat(history)
    history.append(response.message)
    await save(payload["session_id"], history)
    return {"answer": response.message.content, "memory_size": len(history)}
