"""Chat stores: `SimpleChatStore` behind a `ChatMemoryBuffer`, in process memory."""

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.llms.openai import OpenAI

app = FastAPI()
chat_store = SimpleChatStore()


@app.post("/chat")
def chat(payload: dict):
    chat_memory = ChatMemoryBuffer.from_defaults(
        token_limit=3000, chat_store=chat_store, chat_store_key=payload["user"]
    )
    chat_engine = SimpleChatEngine.from_defaults(llm=OpenAI(model="gpt-4o-mini"), memory=chat_memory)
    response = chat_engine.chat(payload["message"])
    return {"answer": str(response)}
