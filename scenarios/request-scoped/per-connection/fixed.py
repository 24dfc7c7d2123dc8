"""A chat on a WebSocket whose conversation is in a database, under the guest's name.

Start it here, connect with any WebSocket client, say something, and connect again; the second connection goes on:

    uvicorn fixed:app
    websocat ws://localhost:8000/desk/ada
"""

import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from sqlalchemy.exc import OperationalError

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

chat_store = SQLAlchemyChatStore(
    table_name="spoken",
    async_database_uri=f"sqlite+aiosqlite:///{DATA_DIR / 'desk.db'}?timeout=30",
)


@asynccontextmanager
async def lifespan(app: FastAPI):
    with suppress(OperationalError):  # another worker made the table at the same moment
        await chat_store.get_keys()  # makes the table before the first guests can race for it
    yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/desk/{guest}")
async def desk(line: WebSocket, guest: str):
    await line.accept()
    try:
        while True:
            await chat_store.add_message(guest, ChatMessage(role="user", content=await line.receive_text()))
            response = await Settings.llm.achat(await chat_store.get_messages(guest))
            await chat_store.add_message(guest, response.message)
            await line.send_json({"answer": response.message.content})
    except WebSocketDisconnect:
        return
