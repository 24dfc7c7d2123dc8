"""The model's call alone is tried again; question and answer are stored when it has answered.

Start it here and send a few of these; `memory_size` grows by 2 each time:

    uvicorn fixed:app
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
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT)")
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
            "INSERT INTO messages (session_id, role, content) VALUES (?, ?, ?)",
            (session_id, message.role.value, message.content),
        )
        db.commit()


def ask(history: list[ChatMessage]) -> ChatMessage:
    for left in (2, 1, 0):
        try:
            return Settings.llm.chat(history).message
        except Exception:
            if not left:
                raise
    raise AssertionError("the last attempt answers or raises")


@app.post("/chat")
def chat(payload: dict):
    question = ChatMessage(role="user", content=payload["message"])
    history = [*load(payload["session_id"]), question]
    answer = ask(history)
    save(payload["session_id"], question)
    save(payload["session_id"], answer)
    return {"answer": answer.content, "memory_size": len(history) + 1}
