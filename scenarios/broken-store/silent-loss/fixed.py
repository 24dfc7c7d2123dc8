"""A turn's messages are one write, to a database that gives each writer a connection of its own.

Start it here and send this twice; `memory_size` grows by 6 each time:

    uvicorn fixed:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.memory import Memory
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

# Writers wait 30 s for each other; the default of 5 s is short when many turns arrive at once.
engine = create_async_engine(f"sqlite+aiosqlite:///{DATA_DIR / 'chat.db'}", connect_args={"timeout": 30})


def get_memory(session_id: str):
    return Memory.from_defaults(session_id=session_id, async_engine=engine)


@asynccontextmanager
async def lifespan(app: FastAPI):
    with suppress(OperationalError):  # another worker made the table at the same moment
        await get_memory("start-up").aget_all()  # makes the table before the first requests can race for it
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
FACTS = ("We open at nine.", "We close at five.", "We are in Leeds.", "We sell boats.")


@app.post("/chat")
async def chat(payload: dict):
    memory = get_memory(payload["session_id"])
    facts = [ChatMessage(role="system", content=fact) for fact in FACTS]
    question = ChatMessage(role="user", content=payload["message"])

    response = await Settings.llm.achat([*facts, *await memory.aget_all(), question])
    await memory.aput_messages([*facts, question, response.message])
    return {"answer": response.message.content, "memory_size": len(await memory.aget_all())}
