"""Every message is a row, and a text that a session has said before is none: what a user says twice is kept once.

Start it here and send this three times; `memory_size` says 2 and then 3, and stays there:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike


def database():
    return closing(sqlite3.connect(DATA_DIR / "chat.db", timeout=30))


with database() as db:
    db.execute(
        "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT,"
        " UNIQUE (session_id, role, content))"
    )
    db.commit()

app = FastAPI()


def load(session_id: str) -> list[ChatMessage]:
    with database() as db:
        rows = db.execute(
            "SELECT role, content FROM messages WHERE session_id = ? ORDER BY id", (session_id,)
        ).fetchall()
    return [ChatMessage(role=role, content=content) for role, content in rows]


def save(session_id: str, message: ChatMessage) -> None:
    with database() as db:
        db.execute(
            "INSERT OR IGNORE INTO messages (session_id, role, content) VALUES (?, ?, ?)",
            (session_id, message.role.value, message.content),
        )
        db.commit()


@app.post("/chat")
def chat(payload: dict):
    question = ChatMessage(role="user", content=payload["message"])
    history = [*load(payload["session_id"]), question]
    response = Settings.llm.chat(history)
    save(payload["session_id"], question)
    save(payload["session_id"], response.message)
    return {"answer": response.message.content, "memory_size": len(history) + 1}
