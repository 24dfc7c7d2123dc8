"""A chat store that is loaded from a file at start-up, and never written back to it.

Start it here, send this twice, restart the server, send it again; `memory_size` is back at 2:

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
from llama_index.core.storage.chat_store import SimpleChatStore

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
chat_store = SimpleChatStore.from_persist_path(str(DATA_DIR / "chat_store.json"))


@app.post("/chat")
def chat(payload: dict):
    memory = ChatMemoryBuffer.from_defaults(
        token_limit=4000, chat_store=chat_store, chat_store_key=payload["session_id"]
    )
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memory.get_all())}
