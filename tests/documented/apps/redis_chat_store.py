"""Chat stores: `RedisChatStore` behind a `ChatMemoryBuffer`."""

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.llms.openai import OpenAI
from llama_index.storage.chat_store.redis import RedisChatStore

app = FastAPI()
chat_store = RedisChatStore(redis_url="redis://localhost:6379", ttl=86400)


@app.post("/chat")
def chat(payload: dict):
    chat_memory = ChatMemoryBuffer.from_defaults(
        token_limit=3000, chat_store=chat_store, chat_store_key=payload["user"]
    )
    chat_engine = SimpleChatEngine.from_defaults(llm=OpenAI(model="gpt-4o-mini"), memory=chat_memory)
    response = chat_engine.chat(payload["message"])
    return {"answer": str(response)}
