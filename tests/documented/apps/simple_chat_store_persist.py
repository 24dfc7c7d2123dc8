"""Chat stores: `SimpleChatStore`, persisted after each turn and loaded before it."""

import os

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.llms.openai import OpenAI

app = FastAPI()
PATH = "chat_store.json"


@app.post("/chat")
def chat(payload: dict):
    chat_store = SimpleChatStore.from_persist_path(persist_path=PATH) if os.path.exists(PATH) else SimpleChatStore()
    chat_memory = ChatMemoryBuffer.from_defaults(
        token_limit=3000, chat_store=chat_store, chat_store_key=payload["user"]
    )
    chat_engine = SimpleChatEngine.from_defaults(llm=OpenAI(model="gpt-4o-mini"), memory=chat_memory)
    response = chat_engine.chat(payload["message"])
    chat_store.persist(persist_path=PATH)
    return {"answer": str(response)}
