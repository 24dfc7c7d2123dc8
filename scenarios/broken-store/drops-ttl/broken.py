"""The newest message alone is kept, for an hour: `RedisChatStore.delete_message` writes it back for good.

Start it here, beside a Redis, and send two of these; `expires_in` says 3600, then -1, which is never:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os

import redis
from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.storage.chat_store.redis import RedisChatStore

URL = os.environ.get("REDIS_URL", "redis://localhost:6379")
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
client = redis.from_url(URL)
store = RedisChatStore(redis_url=URL, ttl=3600)


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    question = ChatMessage(role="user", content=payload["message"])
    with client.lock(f"{session_id}:lock"):  # one turn of a session at a time
        answer = Settings.llm.chat([*store.get_messages(session_id), question])
        summary = f"{question.content} -> {answer.message.content}"
        store.add_message(session_id, ChatMessage(role="user", content=summary))
        if len(store.get_messages(session_id)) > 1:
            store.delete_message(session_id, 0)
    return {"answer": str(answer), "expires_in": client.ttl(session_id)}
