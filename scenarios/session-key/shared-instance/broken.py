"""One chat engine for everybody: each user is answered from all users' messages, in this worker.

Start it here and send this, then send it as "bob"; `memory_size` says 4 to Bob, who sees what Ada wrote:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
chat_engine = SimpleChatEngine.from_defaults()


@app.post("/chat")
def chat(payload: dict):
    response = chat_engine.chat(payload["message"])
    return {"session_id": payload["session_id"], "answer": str(response), "memory_size": len(chat_engine.chat_history)}
