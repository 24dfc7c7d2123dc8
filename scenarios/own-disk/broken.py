"""Each of the two machines that `fly.toml` starts has a volume of its own, and so a database of its own.

Start it here as two machines and send this to one and the other; `memory_size` depends on which of them answers:

    DATA_DIR=one uvicorn broken:app --port 8000 &
    DATA_DIR=two uvicorn broken:app --port 8001
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
import sqlite3
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

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
def chat(payload: dict):
    append(payload["session_id"], ChatMessage(role="user", content=payload["message"]))
    history = load(payload["session_id"])
    response = Settings.llm.chat(history)
    append(payload["session_id"], response.message)
    return {"answer": response.message.content, "memory_size": len(history) + 1}
