"""A blocking handler: its threads share a default `Memory`, each with an event loop, until one waits for another.

Start it here, send eight of these at once (`&` after each); some are refused or never answered, and later ones too:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
memories = {}


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    if session_id not in memories:
        memories[session_id] = Memory.from_defaults(session_id=session_id)
    chat_engine = SimpleChatEngine.from_defaults(memory=memories[session_id])

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memories[session_id].get_all())}
