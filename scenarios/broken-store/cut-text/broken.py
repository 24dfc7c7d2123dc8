"""A transcript has a line for each message, so that of a message of several lines the first comes back alone.

Start it here and send a few of these; a message of several lines shows it:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is\\nAda"}'
"""

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
    said = [line.partition(": ") for line in lines if line.startswith(("user: ", "assistant: "))]
    return [ChatMessage(role=role, content=text) for role, _, text in said]


def save(path: Path, *messages: ChatMessage) -> None:
    with path.open("a") as talk:
        for message in messages:
            talk.write(f"{message.role.value}: {message.content}\n")


@app.post("/chat")
def chat(payload: dict):
    path = TALKS / f"{quote(payload['session_id'], safe='')}.txt"
    question = ChatMessage(role="user", content=payload["message"])
    history = [*load(path), question]
    answer = Settings.llm.chat(history).message
    save(path, question, answer)
    return {"answer": answer.content, "memory_size": len(history) + 1}
