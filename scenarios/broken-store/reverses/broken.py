"""A Redis chat store that is cut by `delete_message`, which writes what stays back the other way round.

Start it here, beside a Redis, and send a few of these; from the second on, `roles` begins with the newest:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.storage.chat_store.redis import RedisChatStore

KEEP = 3  # messages
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
store = RedisChatStore(redis_url=os.environ.get("REDIS_URL", "redis://localhost:6379"))


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    memory = ChatMemoryBuffer.from_defaults(chat_store=store, chat_store_key=session_id, token_limit=100_000)
    answer = SimpleChatEngine.from_defaults(memory=memory).chat(payload["message"])
    if len(store.get_messages(session_id)) > KEEP:
        store.delete_message(session_id, 0)
    return {"answer": str(answer), "roles": [message.role for message in store.get_messages(session_id)]}
