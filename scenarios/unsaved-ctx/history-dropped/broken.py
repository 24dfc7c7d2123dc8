"""The client sends the conversation, and the agent is given its last message alone.

Start it here; the client sends all that was said with every request, as chat pages do, and it is not in the answer:

    uvicorn broken:app
    curl localhost:8000/v1/chat/completions -H 'content-type: application/json' -d '{"messages": [
        {"role": "user", "content": "My name is Ada"}, {"role": "assistant", "content": "Noted"},
        {"role": "user", "content": "What is my name?"}]}'
"""

from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage, MockFunctionCallingLLM
from pydantic import BaseModel

Settings.llm = MockFunctionCallingLLM()  # offline, so that no key is needed; any other model behaves alike


class Message(BaseModel):
    role: str
    content: str


class Completion(BaseModel):
    messages: list[Message]


app = FastAPI()
agent = FunctionAgent(tools=[], system_prompt="You help.")


@app.post("/v1/chat/completions")
async def completions(body: Completion):
    messages = [ChatMessage(role=message.role, content=message.content) for message in body.messages]
    answer = str(await agent.run(messages[-1].content))
    return {"choices": [{"message": {"role": "assistant", "content": answer}}]}
