"""A Context that is kept for each session, with the agent's memory in it, which the library drops at the next run.

Start it here, send this, then send "What is my name?"; `memory_size` says 2 both times, and a warning is logged once:

    uvicorn broken:app
    curl localhost:8000/chat -H 'content-type: application/json' \
        -d '{"session_id": "ada", "message": "My name is Ada"}'

So it is with pydantic 2.14.
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import MockFunctionCallingLLM
from llama_index.core.workflow import Context

Settings.llm = MockFunctionCallingLLM()  # offline, so that no key is needed; any other model behaves alike

app = FastAPI()
agent = FunctionAgent(tools=[])
contexts = {}


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    if session_id not in contexts:
        contexts[session_id] = Context(agent)

    response = await agent.run(payload["message"], ctx=contexts[session_id])
    memory = await contexts[session_id].store.get("memory")
    return {"answer": str(response), "memory_size": len(await memory.aget_all())}
