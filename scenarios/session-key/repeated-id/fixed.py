"""Each chat has an id that no other process makes.

Start it here, open a chat, and talk in it; after a restart the next chat has a new id, and
`memory_size` is 2 at its first message:

    uvicorn fixed:app
    curl -X POST localhost:8000/chats
    curl localhost:8000/chats/ID/messages -H 'content-type: application/json' -d '{"message": "My name is Ada"}'
"""

import sqlite3
import uuid
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
Path("data").mkdir(exist_ok=True)


def connect():
    database = sqlite3.connect("data/chats.db", timeout=30)
    database.execute("CREATE TABLE IF NOT EXISTS said (chat TEXT, role TEXT, content TEXT)")
    return database


@app.post("/chats")
def begin():
    return {"chat_id": str(uuid.uuid4())}


@app.post("/chats/{chat_id}/messages")
def say(chat_id: str, payload: dict):
    database = connect()
    with database:
        database.execute("BEGIN IMMEDIATE")  # one turn at a time
        rows = database.execute("SELECT role, content FROM said WHERE chat = ? ORDER BY rowid", (chat_id,)).fetchall()
        messages = [ChatMessage(role=role, content=content) for role, content in rows]
        answer = Settings.llm.chat([*messages, ChatMessage(role="user", content=payload["message"])]).message.content
        turn = [(chat_id, "user", payload["message"]), (chat_id, "assistant", answer)]
        database.executemany("INSERT INTO said VALUES (?, ?, ?)", turn)
    database.close()
    return {"answer": answer, "memory_size": len(rows) + 2}
