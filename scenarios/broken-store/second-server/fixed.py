"""As `broken.py`, with a store whose runs one server at a time takes up: the others leave them to it, until it is gone.

Start it here, and do as `broken.py` says: the next server goes on with the run, however young, and no second one does.

    uvicorn fixed:app

It needs `pip install llama-agents-server`.
"""

import fcntl
import os
import sqlite3
from contextlib import closing, suppress
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


class OneAtATime(SqliteWorkflowStore):
    """Runs that are under way are given to the process alone that holds a lock, which ends with it."""

    def __init__(self, path):
        super().__init__(path)
        self.lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR)
        self.locked = False

    async def query(self, query):
        found = await super().query(query)
        if query.status_in != ["running"] or query.is_idle is not False:
            return found
        with suppress(BlockingIOError):
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.locked = True
        # without a beginning no run is too young
        return [run.model_copy(update={"started_at": None}) for run in found] if self.locked else []


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


server = WorkflowServer(workflow_store=OneAtATime("data/runs.db"))
server.add_workflow("chat", Chat(timeout=120))
app = server.app
