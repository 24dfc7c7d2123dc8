"""A Celery task that remembers in its worker's child, and a child that is replaced after every task.

Start Redis, then the worker here, and send this twice; it says 2 both times:

    celery -A broken worker --concurrency 1
    python -c 'from broken import reply; print(reply.delay("ada", "My name is Ada").get())'

It needs `pip install celery redis`.
"""

from celery import Celery
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike

app = Celery("desk", broker="redis://localhost:6379/0", backend="redis://localhost:6379/0")
app.conf.worker_max_tasks_per_child = 1  # a remedy for tasks that leak memory
memories = {}


@app.task
def reply(session_id: str, message: str):
    if session_id not in memories:
        memories[session_id] = ChatMemoryBuffer.from_defaults(token_limit=4000)
    chat_engine = SimpleChatEngine.from_defaults(memory=memories[session_id])

    response = chat_engine.chat(message)
    return {"answer": str(response), "memory_size": len(memories[session_id].get_all())}
