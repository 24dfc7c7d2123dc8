"""`FunctionAgent(memory=...)` and `ReActAgent(memory=...)` take the argument and ignore it.

`BaseWorkflowAgent.__init__` hands its keyword arguments to pydantic, which ignores those that it does not know.
`AgentWorkflow(memory=...)` raises a TypeError, as it should.
"""

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer


async def main() -> None:
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    agent = FunctionAgent(tools=[], llm=MockFunctionCallingLLM(), memory=memory)
    await agent.run("hello")
    print(f"memory= of the agent: {len(memory.get_all())} messages")
    await agent.run("hello", memory=memory)
    print(f"memory= of the run: {len(memory.get_all())} messages")


asyncio.run(main())
