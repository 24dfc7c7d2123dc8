"""A store's async methods in an event loop of their own each time: Redis has the message, and the store raises.

Start it here, beside a Redis, and send a few of these; every turn is answered with an error, and its messages are in
the list (`redis-cli lrange ada 0 -1`):

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import asyncio
import os

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.storage.chat_store.redis import RedisChatStore

Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
store = RedisChatStore(redis_url=os.environ.get("REDIS_URL", "redis://localhost:6379"))


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    question = ChatMessage(role="user", content=payload["message"])
    answer = Settings.llm.chat([*store.get_messages(session_id), question])
    for message in (question, answer.message):
        asyncio.run(store.async_add_message(session_id, message))
    return {"answer": str(answer)}
