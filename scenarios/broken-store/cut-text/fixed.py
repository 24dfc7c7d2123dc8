"""Each message is a line of JSON, in which a line break is written as two characters.

Start it here and send a few of these; a message of several lines shows it:

    uvicorn fixed:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is\\nAda"}'
"""

import json
import os
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

TALKS = Path(os.environ.get("TALKS_DIR", Path(__file__).parent / "data"))  # mount a volume here
TALKS.mkdir(parents=True, exist_ok=True)
Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike
app = FastAPI()


def load(path: Path) -> list[ChatMessage]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [ChatMessage(**json.loads(line)) for line in lines]


def save(path: Path, *messages: ChatMessage) -> None:
    with path.open("a") as talk:
        for message in messages:
            talk.write(json.dumps({"role": message.role.value, "content": message.content}) + "\n")


@app.post("/chat")
def chat(payload: dict):
    path = TALKS / f"{quote(payload['session_id'], safe='')}.jsonl"
    question = ChatMessage(role="user", content=payload["message"])
    history = [*load(path), question]
    answer = Settings.llm.chat(history).message
    save(path, question, answer)
    return {"answer": answer.content, "memory_size": len(history) + 1}
