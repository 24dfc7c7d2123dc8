"""A history that is given whole to the engine: `SQLiteChatStore.set_messages` adds it to what it was to replace.

Start it here and send a few of these; `memory_size` says 2, 6, 14:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.storage.chat_store.sqlite import SQLiteChatStore

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
store = SQLiteChatStore.from_uri(f"sqlite:///{DATA_DIR / 'chat.db'}")


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    memory = ChatMemoryBuffer.from_defaults(chat_store=store, chat_store_key=session_id, token_limit=100_000)
    engine = SimpleChatEngine.from_defaults(memory=memory)
    answer = engine.chat(payload["message"], chat_history=store.get_messages(session_id) or None)
    return {"answer": str(answer), "memory_size": len(store.get_messages(session_id))}
