"""The question is saved before the answer is streamed, and what was said of the answer in any case.

Start it here and send this, but press Ctrl-C before the answer ends; the rows of both are in `data/chat.db`:

    uvicorn fixed:app
    curl -N localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import asyncio
import os
import sqlite3
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)


class RemoteLLM(MockLLM):
    """The offline mock with a model's pace, so that no key is needed; any other model behaves alike."""

    async def astream_chat(self, messages, **kwargs):
        pieces = await super().astream_chat(messages, **kwargs)

        async def slowly():
            async for piece in pieces:
                await asyncio.sleep(0.05)
                yield piece

        return slowly()


Settings.llm = RemoteLLM(max_tokens=8)

app = FastAPI()


def database():
    db = sqlite3.connect(DATA_DIR / "chat.db", timeout=30)
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
    return db


def load(session_id: str) -> list[ChatMessage]:
    with database() as db:
        rows = db.execute("SELECT message FROM messages WHERE session_id = ? ORDER BY id", [session_id]).fetchall()
    return [ChatMessage.model_validate_json(row[0]) for row in rows]


def append(session_id: str, message: ChatMessage) -> None:
    with database() as db:
        db.execute("INSERT INTO messages (session_id, message) VALUES (?, ?)", [session_id, message.model_dump_json()])


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    append(session_id, ChatMessage(role="user", content=payload["message"]))
    history = load(session_id)

    async def answer():
        said = ""
        try:
            async for piece in await Settings.llm.astream_chat(history):
                said += piece.delta
                yield piece.delta
        finally:
            append(session_id, ChatMessage(role="assistant", content=said))

    return StreamingResponse(answer(), media_type="text/plain")
