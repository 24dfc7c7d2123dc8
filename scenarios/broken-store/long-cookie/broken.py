"""The whole conversation is in the session's cookie, with the pages that each answer was made of.

Start it here and send this three times from a browser, or a client that keeps cookies as browsers do; `memory_size` is
2, then 4, and 4 again, since the second answer's cookie is longer than 4,096 bytes and is ignored:

    uvicorn broken:app
    curl localhost:8000/chat -c jar -b jar -H 'content-type: application/json' -d '{"message": "My name is Ada"}'

It needs `pip install itsdangerous`. (curl itself takes longer cookies.)
"""

import os

from fastapi import FastAPI, Request
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from starlette.middleware.sessions import SessionMiddleware

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SESSION_SECRET", "the same in every process"))

PAGE = "The library is open on weekdays from nine to five, and on Saturdays until noon. " * 18


@app.post("/chat")
def chat(payload: dict, request: Request):
    messages = request.session.get("messages", [])
    messages = [*messages, {"role": "user", "content": payload["message"]}]
    response = Settings.llm.chat([ChatMessage(role="system", content=PAGE), *(ChatMessage(**m) for m in messages)])
    request.session["messages"] = [*messages, {"role": "assistant", "content": response.message.content}]
    request.session["pages"] = [*request.session.get("pages", []), PAGE]
    return {"answer": response.message.content, "memory_size": len(messages) + 1}
