"""A background task that saves with a connection of another thread: it raises after every answer, and only a log tells.

Start it here and send a few of these; `memory_size` is 2 each time:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
import sqlite3
from pathlib import Path

from fastapi import BackgroundTasks, FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()


def connect() -> sqlite3.Connection:
    db = sqlite3.connect(DATA_DIR / "chat.db", timeout=30)
    db.execute("CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT)")
    return db


def save(db: sqlite3.Connection, session_id: str, *messages: ChatMessage) -> None:
    rows = [(session_id, message.role.value, message.content) for message in messages]
    db.executemany("INSERT INTO messages (session_id, role, content) VALUES (?, ?, ?)", rows)
    db.commit()
    db.close()


@app.post("/chat")
async def chat(payload: dict, tasks: BackgroundTasks):
    db = connect()
    rows = db.execute("SELECT role, content FROM messages WHERE session_id = ? ORDER BY id", (payload["session_id"],))
    question = ChatMessage(role="user", content=payload["message"])
    history = [*(ChatMessage(role=role, content=content) for role, content in rows), question]

    response = await Settings.llm.achat(history)
    tasks.add_task(save, db, payload["session_id"], question, response.message)  # runs in a thread of the pool
    return {"answer": response.message.content, "memory_size": len(history) + 1}
