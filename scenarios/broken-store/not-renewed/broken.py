"""A key that expires half an hour after the first message, however many follow.

Start it here, beside a Redis, and send some of these; `memory_size` grows by
2, until half an hour after the first one:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import json
import os

import redis
from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

HALF_AN_HOUR = 30 * 60  # seconds
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
client = redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379"))


@app.post("/chat")
def chat(payload: dict):
    key = f"talk:{payload['session_id']}"
    with client.lock(f"{key}:lock"):  # one turn of a session at a time
        messages = [json.loads(each) for each in client.lrange(key, 0, -1)]
        messages.append({"role": "user", "content": payload["message"]})
        answer = Settings.llm.chat([ChatMessage(**message) for message in messages]).message.content
        messages.append({"role": "assistant", "content": answer})
        begun = client.exists(key)
        client.rpush(key, *map(json.dumps, messages[-2:]))
        if not begun:
            client.expire(key, HALF_AN_HOUR)
    return {"answer": answer, "memory_size": len(messages)}
