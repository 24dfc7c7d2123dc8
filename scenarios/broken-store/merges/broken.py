"""A session's state is put under its key in one piece: `MongoDBKVStore.put` merges it into what is there.

Start it here, beside a MongoDB, and send two of these; the coupon that the second one uses up is still there:

    pip install llama-index-storage-kvstore-mongodb
    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'
"""

import os

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.storage.kvstore.mongodb import MongoDBKVStore

Settings.llm = MockLLM(max_tokens=8)  # the offline mock, so that no key is needed; any other model behaves alike

app = FastAPI()
store = MongoDBKVStore.from_uri(os.environ.get("MONGODB_URI", "mongodb://localhost:27017"), db_name="shop")


@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    state = store.get(session_id) or {"said": [], "coupon": "WELCOME"}
    question = ChatMessage(role="user", content=payload["message"])
    said = [ChatMessage(**each) for each in state["said"]]
    answer = Settings.llm.chat([*said, question])
    kept = {"said": [each.model_dump(mode="json") for each in (*said, question, answer.message)]}
    if not said:
        kept["coupon"] = state["coupon"]  # the second turn uses it up
    store.put(session_id, kept)
    return {"answer": str(answer), "coupon": (store.get(session_id) or {}).get("coupon")}
