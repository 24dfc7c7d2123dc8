"""The cookie has nothing but a key; the conversation is in a database, in which it may become as long as it likes.

Start it here and send this three times; `memory_size` is 2, then 4, then 6:

    uvicorn fixed:app
    curl localhost:8000/chat -c jar -b jar -H 'content-type: application/json' -d '{"message": "My name is Ada"}'

It needs `pip install itsdangerous`.
"""

import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from fastapi import FastAPI, Request
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from starlette.middleware.sessions import SessionMiddleware

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SESSION_SECRET", "the same in every process"))
Path("data").mkdir(exist_ok=True)  # the volume

PAGE = "The library is open on weekdays from nine to five, and on Saturdays until noon. " * 18


def connect():
    connection = sqlite3.connect("data/chats.db", timeout=30)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, reader TEXT, role TEXT, text TEXT)"
    )
    return connection


@app.post("/chat")
def chat(payload: dict, request: Request):
    reader = request.session.setdefault("reader", str(uuid.uuid4()))
    with closing(connect()) as connection:
        rows = connection.execute("SELECT role, text FROM messages WHERE reader = ? ORDER BY id", (reader,)).fetchall()
    messages = [ChatMessage(role=role, content=text) for role, text in rows]
    messages.append(ChatMessage(role="user", content=payload["message"]))
    response = Settings.llm.chat([ChatMessage(role="system", content=PAGE), *messages])
    said = [("user", payload["message"]), ("assistant", response.message.content)]
    with closing(connect()) as connection, connection:
        connection.executemany(
            "INSERT INTO messages (reader, role, text) VALUES (?, ?, ?)", [(reader, *each) for each in said]
        )
    return {"answer": response.message.content, "memory_size": len(messages) + 1}
