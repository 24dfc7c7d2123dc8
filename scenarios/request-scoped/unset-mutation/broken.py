"""A list in the session that is appended to in place: the session is not told that it changed, and is not saved again.

Start it here and send this three times; `memory_size` is 2, then 4, and 4 again:

    uvicorn broken:app
    curl localhost:8000/chat -c jar -b jar -H 'content-type: application/json' -d '{"message": "My name is Ada"}'

It needs `pip install "starlette>=1" itsdangerous`; sessions of Flask and of Django do the same.
"""

import os

from fastapi import FastAPI, Request
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from starlette.middleware.sessions import SessionMiddleware

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SESSION_SECRET", "the same in every process"))


@app.post("/chat")
def chat(payload: dict, request: Request):
    if "messages" not in request.session:
        request.session["messages"] = []  # this marks the session as changed, for this one request
    messages = request.session["messages"]
    messages.append({"role": "user", "content": payload["message"]})

    response = Settings.llm.chat([ChatMessage(**message) for message in messages])
    messages.append({"role": "assistant", "content": response.message.content})
    return {"answer": response.message.content, "memory_size": len(messages)}
