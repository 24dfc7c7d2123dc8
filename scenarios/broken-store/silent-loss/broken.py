"""A turn's messages are written by several tasks at once: a default `Memory` loses some, and reports no error.

Start it here and send this twice; `memory_size` grows by 2 each time, where 6 messages are written:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'

So it is with SQLAlchemy 2.1.
"""

import asyncio

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.memory import Memory

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
memories = {}
FACTS = ("We open at nine.", "We close at five.", "We are in Leeds.", "We sell boats.")


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    if session_id not in memories:
        memories[session_id] = Memory.from_defaults(session_id=session_id)
    memory = memories[session_id]
    facts = [ChatMessage(role="system", content=fact) for fact in FACTS]
    question = ChatMessage(role="user", content=payload["message"])

    response = await Settings.llm.achat([*facts, *await memory.aget_all(), question])
    await asyncio.gather(*(memory.aput(message) for message in [*facts, question, response.message]))
    return {"answer": response.message.content, "memory_size": len(await memory.aget_all())}
