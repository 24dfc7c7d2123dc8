"""Conversations in a JSON file, by the number of the user: JSON has no keys but texts, so that 7 comes back as "7".

Start it here and send this twice, stop it, start it again and send it once more; `memory_size` says 2, 4, and 2 again:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' -d '{"user_id": 7, "message": "My name is Ada"}'
"""

import json
import os
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from pydantic import BaseModel

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).parent.parent / "data"))  # mount a volume here
DATA_DIR.mkdir(parents=True, exist_ok=True)
FILE = DATA_DIR / "talks.json"

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
talks: dict[int, list[dict]] = json.loads(FILE.read_text()) if FILE.exists() else {}


class Turn(BaseModel):
    user_id: int
    message: str


@app.post("/chat")
def chat(turn: Turn):
    talk = talks.setdefault(turn.user_id, [])
    talk.append({"role": "user", "content": turn.message})
    answer = Settings.llm.chat([ChatMessage(**each) for each in talk])
    talk.append({"role": "assistant", "content": str(answer.message.content)})
    FILE.write_text(json.dumps(talks))
    return {"answer": talk[-1]["content"], "memory_size": len(talk)}
