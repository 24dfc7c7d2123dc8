"""The child is replaced as before; the conversation is in a database that outlives it.

Start Redis, then the worker here, and send this twice; `memory_size` grows by 2 each time:

    celery -A fixed worker --concurrency 1
    python -c 'from fixed import reply; print(reply.delay("ada", "My name is Ada").get())'

It needs `pip install celery redis`.
"""

import os
import sqlite3
from pathlib import Path

from celery import Celery
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = Celery("desk", broker="redis://localhost:6379/0", backend="redis://localhost:6379/0")
app.conf.worker_max_tasks_per_child = 1  # a remedy for tasks that leak memory


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


@app.task
def reply(session_id: str, message: str):
    append(session_id, ChatMessage(role="user", content=message))
    history = load(session_id)
    response = Settings.llm.chat(history)
    append(session_id, response.message)
    return {"answer": response.message.content, "memory_size": len(history) + 1}
