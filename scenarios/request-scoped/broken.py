"""A chat endpoint that builds its memory in the request: every message is treated as the first.

Start it here and send this twice; `memory_size` says 2 both times:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()


@app.post("/chat")
def chat(payload: dict):
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memory.get_all())}
