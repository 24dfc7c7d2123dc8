"""A conversation's file is called by the session alone, and the day is in its lines.

Start it here and send two of these; `memory_size` is 2, then 4, and 6 tomorrow:

    uvicorn fixed:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import fcntl
import json
import time
from pathlib import Path

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM

Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()


@app.post("/chat")
def chat(payload: dict):
    folder = Path("data") / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{payload['session_id']}.jsonl").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # one turn of a session at a time
        file.seek(0)
        messages = [*map(json.loads, file), {"role": "user", "content": payload["message"]}]
        answer = Settings.llm.chat([ChatMessage(role=m["role"], content=m["content"]) for m in messages])
        messages.append({"role": "assistant", "content": answer.message.content})
        today = time.strftime("%Y-%m-%d")  # beside what is kept, to tidy up by
        file.writelines(json.dumps({**message, "on": today}) + "\n" for message in messages[-2:])
    return {"answer": answer.message.content, "memory_size": len(messages)}
