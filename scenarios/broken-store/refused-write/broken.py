"""A chat store that is saved to its file after every turn, which the library refuses with an exception.

Start it here and send this; it is answered with an error, and the file is empty:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'

So it is with pydantic 2.14.
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
DATA_DIR.mkdir(parents=True, exist_ok=True)
FILE = str(DATA_DIR / "chat_store.json")

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
chat_store = SimpleChatStore.from_persist_path(FILE)


@app.post("/chat")
def chat(payload: dict):
    memory = ChatMemoryBuffer.from_defaults(
        token_limit=4000, chat_store=chat_store, chat_store_key=payload["session_id"]
    )
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    chat_store.persist(FILE)
    return {"answer": str(response), "memory_size": len(memory.get_all())}
