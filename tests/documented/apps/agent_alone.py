"""Agents: `agent.run` without memory or Context."""

from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI

app = FastAPI()
agent = FunctionAgent(llm=OpenAI(model="gpt-4o-mini"), tools=[])


@app.post("/chat")
async def chat(payload: dict):
    response = await agent.run(user_msg=payload["message"])
    return {"answer": str(response), "user": payload["user"]}
