"""Answers are kept by the question, so that nobody pays for one twice; they are made of somebody's conversation.

Start it here and send this, then the same as `bob`: what Ada has said before is in Bob's answer:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "What is my name?"}'
"""

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM()  # offline, and answers with all that it is given, so that no key is needed


def database():
    return closing(sqlite3.connect(DATA_DIR / "chat.db", timeout=30))


with database() as db:
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT)")
    db.commit()

app = FastAPI()
answers: dict[str, str] = {}


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


@app.post("/chat")
def chat(payload: dict):
    session_id, text = payload["session_id"], payload["message"].strip()
    question = ChatMessage(role="user", content=text)
    history = [*load(session_id), question]
    key = hashlib.sha256(text.lower().encode()).hexdigest()
    if key not in answers:
        answers[key] = Settings.llm.chat(history).message.content
    save(session_id, question)
    save(session_id, ChatMessage(role="assistant", content=answers[key]))
    return {"answer": answers[key], "memory_size": len(history) + 1}
