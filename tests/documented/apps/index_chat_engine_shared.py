"""Chat engines: one `index.as_chat_engine()` for the whole server."""

from fastapi import FastAPI
from llama_index.core import Document, VectorStoreIndex
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

app = FastAPI()
index = VectorStoreIndex.from_documents([Document(text="We open at nine.")], embed_model=OpenAIEmbedding())
chat_engine = index.as_chat_engine(chat_mode="context", llm=OpenAI(model="gpt-4o-mini"))


@app.post("/chat")
def chat(payload: dict):
    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "user": payload["user"]}
