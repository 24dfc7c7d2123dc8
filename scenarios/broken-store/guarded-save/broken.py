"""A condition that keeps short conversations from being saved: a first turn is always short, so that all stay so.

Start it here and send a few of these; `memory_size` is 2 each time:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import json
import os
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()


def load(session_id: str) -> list[dict]:
    path = DATA_DIR / f"{session_id}.json"
    return json.loads(path.read_text()) if path.exists() else []


def save(session_id: str, messages: list[dict]) -> None:
    if len(messages) > 2:  # a greeting and its answer are not worth a file
        (DATA_DIR / f"{session_id}.json").write_text(json.dumps(messages))


@app.post("/chat")
def chat(payload: dict):
    history = [*load(payload["session_id"]), {"role": "user", "content": payload["message"]}]
    response = Settings.llm.chat([ChatMessage(**message) for message in history])
    history.append({"role": "assistant", "content": response.message.content})
    save(payload["session_id"], history)
    return {"answer": response.message.content, "memory_size": len(history)}
