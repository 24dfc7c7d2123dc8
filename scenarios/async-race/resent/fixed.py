"""The ids of messages are kept beside the conversation: one that is delivered again does nothing.

Start it here and send this twice, as a messenger does that was not answered in time; `memory_size` says 2:

    uvicorn fixed:app
    curl localhost:8000/webhook -H 'content-type: application/json' \
        -d '{"message_id": "wamid.1", "sender": "ada", "text": "My name is Ada"}'
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from pydantic import BaseModel

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike


def database():
    return closing(sqlite3.connect(DATA_DIR / "chat.db", timeout=30))


with database() as db:
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS taken (message_id TEXT PRIMARY KEY)")
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


class Event(BaseModel):
    message_id: str
    sender: str
    text: str


def take(message_id: str) -> bool:
    """Whether this message has not come before."""
    with database() as db:
        new = db.execute("INSERT OR IGNORE INTO taken (message_id) VALUES (?)", (message_id,)).rowcount == 1
        db.commit()
    return new


@app.post("/webhook")
def webhook(event: Event):
    if not take(event.message_id):
        return {"answer": "", "memory_size": len(load(event.sender))}
    history = load(event.sender)
    question = ChatMessage(role="user", content=event.text)
    response = Settings.llm.chat([*history, question])
    save(event.sender, question)
    save(event.sender, response.message)
    return {"answer": response.message.content, "memory_size": len(history) + 2}
