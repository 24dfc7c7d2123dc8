"""A server of workflows that keeps its runs in a database; what is under way when a server starts goes wrong.

Start it here. In another terminal send this with a model that takes its time, end the server with `kill -9` meanwhile,
and start it again within half a minute: the run is listed as `running` for good. Start a second server beside it, on
another port, when a run is older than that, and both do it:

    uvicorn broken:app
    curl localhost:8000/workflows/chat/run -H 'content-type: application/json' \
        -d '{"start_event": {"session_id": "ada", "message": "My name is Ada"}}'
    curl 'localhost:8000/handlers?status=running'

It needs `pip install llama-agents-server`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from llama_agents.server import SqliteWorkflowStore, WorkflowServer
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step

Settings.llm = MockLLM(max_tokens=8)  # offline, so that no key is needed; any other model behaves alike
Path("data").mkdir(exist_ok=True)  # the volume


def connect():
    connection = sqlite3.connect("data/chats.db", timeout=30)
    connection.execute("CREATE TABLE IF NOT EXISTS said (id INTEGER PRIMARY KEY, session TEXT, role TEXT, text TEXT)")
    return connection


class Message(StartEvent):
    session_id: str
    message: str


class Chat(Workflow):
    @step
    async def answer(self, ev: Message) -> StopEvent:
        with closing(connect()) as connection:
            rows = connection.execute("SELECT role, text FROM said WHERE session = ? ORDER BY id", (ev.session_id,))
            messages = [ChatMessage(role=role, content=text) for role, text in rows]
        messages.append(ChatMessage(role="user", content=ev.message))
        answer = (await Settings.llm.achat(messages)).message.content
        added = [(ev.session_id, "user", ev.message), (ev.session_id, "assistant", answer)]
        with closing(connect()) as connection, connection:
            connection.executemany("INSERT INTO said (session, role, text) VALUES (?, ?, ?)", added)
        return StopEvent(result={"answer": answer, "memory_size": len(messages) + 1})


server = WorkflowServer(workflow_store=SqliteWorkflowStore("data/runs.db"))
server.add_workflow("chat", Chat(timeout=120))
app = server.app
