"""A list that is made for a session that has none yet, filled, and never put into the dict.

Start it here and send this twice; `memory_size` is 2 each time:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
conversations: dict[str, list[ChatMessage]] = {}


@app.post("/chat")
def chat(payload: dict):
    history = conversations.get(payload["session_id"], [])  # `setdefault` would put it there
    history.append(ChatMessage(role="user", content=payload["message"]))

    response = Settings.llm.chat(history)
    history.append(response.message)
    return {"answer": response.message.content, "memory_size": len(history)}
