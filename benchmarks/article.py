"""The article's own app, as it stands there: its memory is a dict of one process."""

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer

app = FastAPI()
session_memory_store = {}  # type: ignore[var-annotated]


def get_memory(session_id: str):  # type: ignore[no-untyped-def]  # noqa: D103
    if session_id not in session_memory_store:
        session_memory_store[session_id] = ChatMemoryBuffer.from_defaults(token_limit=4000)
    return session_memory_store[session_id]


@app.post("/chat")
def chat(payload: dict):  # type: ignore[no-untyped-def, type-arg]  # noqa: D103
    session_id = payload["session_id"]
    memory = get_memory(session_id)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memory.get_all())}
