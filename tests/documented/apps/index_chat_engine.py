"""Chat engines: `index.as_chat_engine` with a memory for each user, the index in process memory."""

from fastapi import FastAPI
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

app = FastAPI()
index = VectorStoreIndex.from_documents([Document(text="We open at nine.")], embed_model=OpenAIEmbedding())
memories = {}


@app.post("/chat")
def chat(payload: dict):
    memory = memories.setdefault(payload["user"], ChatMemoryBuffer.from_defaults(token_limit=3900))
    chat_engine = index.as_chat_engine(
        chat_mode="condense_plus_context", llm=OpenAI(model="gpt-4o-mini"), memory=memory
    )
    response = chat_engine.chat(payload["message"])
    return {"answer": str(response)}
