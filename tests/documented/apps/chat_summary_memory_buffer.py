"""Deprecated memories: `ChatSummaryMemoryBuffer`, one for each user."""

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatSummaryMemoryBuffer
from llama_index.llms.openai import OpenAI

app = FastAPI()
memories = {}


@app.post("/chat")
def chat(payload: dict):
    if payload["user"] not in memories:
        memories[payload["user"]] = ChatSummaryMemoryBuffer.from_defaults(
            llm=OpenAI(model="gpt-4o-mini"), token_limit=4000
        )
    chat_memory = memories[payload["user"]]
    chat_engine = SimpleChatEngine.from_defaults(llm=OpenAI(model="gpt-4o-mini"), memory=chat_memory)
    response = chat_engine.chat(payload["message"])
    return {"answer": str(response)}
