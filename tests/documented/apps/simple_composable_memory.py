"""Deprecated memories: `SimpleComposableMemory` of a buffer and a `VectorMemory`, one for each user."""

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer, SimpleComposableMemory, VectorMemory
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

app = FastAPI()
memories = {}


@app.post("/chat")
def chat(payload: dict):
    if payload["user"] not in memories:
        vector_memory = VectorMemory.from_defaults(
            vector_store=None, embed_model=OpenAIEmbedding(), retriever_kwargs={"similarity_top_k": 2}
        )
        memories[payload["user"]] = SimpleComposableMemory.from_defaults(
            primary_memory=ChatMemoryBuffer.from_defaults(), secondary_memory_sources=[vector_memory]
        )
    chat_memory = memories[payload["user"]]
    chat_engine = SimpleChatEngine.from_defaults(llm=OpenAI(model="gpt-4o-mini"), memory=chat_memory)
    response = chat_engine.chat(payload["message"])
    return {"answer": str(response)}
