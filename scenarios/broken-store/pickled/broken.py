"""Each session's `Memory` is pickled into a file: it comes back on a database in memory, without its messages.

Start it here and send a few of these; `memory_size` says 2, again and again:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os
import pickle
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import Memory

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    kept = DATA_DIR / f"{session_id}.pickle"
    if kept.exists():
        memory = pickle.loads(kept.read_bytes())
    else:
        uri = f"sqlite+aiosqlite:///{DATA_DIR / 'memory.db'}"
        memory = Memory.from_defaults(session_id=session_id, async_database_uri=uri)
    answer = await SimpleChatEngine.from_defaults(memory=memory).achat(payload["message"])
    memory_size = len(await memory.aget_all())
    kept.write_bytes(pickle.dumps(memory))
    return {"answer": str(answer), "memory_size": memory_size}
