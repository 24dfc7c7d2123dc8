"""One worker and a chat store in its memory: a restart of the container forgets every conversation.

Start it here, send this twice, restart the server, send it again; `memory_size` is back at 2:

    uvicorn broken:app --workers 1
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
chat_store = SimpleChatStore()


@app.post("/chat")
def chat(payload: dict):
    memory = ChatMemoryBuffer.from_defaults(
        token_limit=4000, chat_store=chat_store, chat_store_key=payload["session_id"]
    )
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memory.get_all())}
