"""Correct apps, put together from a web framework, a store and a style of talking to the model.

Every combination is healthy: its turns are appended to a store that outlives the container, under the client's key.
What is planted into them is in `mutations.py`. The parts are as people write them, and each can be read alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = '[tool.statecheck]\nvolumes = ["data"]\n'
"""The pyproject.toml beside every app: `data` is a volume."""


@dataclass(frozen=True)
class App:
    """One app of the generator.

    Attributes:
        framework, store, style: its parts, by name.
        source: of `app.py`.
        target: what is given to `statecheck diagnose`.
        needs: the service that its store is, or "".
    """

    framework: str
    store: str
    style: str
    source: str
    target: str
    needs: str = ""

    @property
    def name(self) -> str:
        """`fastapi-rows-llm`."""
        return f"{self.framework}-{self.store}-{self.style}"


ROWS = """
import sqlite3
from contextlib import closing

DATABASE = Path("data/conversations.db")


def connect():
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(DATABASE, timeout=30)
    connection.execute("CREATE TABLE IF NOT EXISTS turns (id INTEGER PRIMARY KEY, session, role, content)")
    return connection


def load(session_id):
    with closing(connect()) as db:
        query = "SELECT role, content FROM turns WHERE session = ? ORDER BY id"
        return db.execute(query, [session_id]).fetchall()


def append(session_id, *turns):
    with closing(connect()) as db, db:
        values = [(session_id, role, content) for role, content in turns]
        db.executemany("INSERT INTO turns (session, role, content) VALUES (?, ?, ?)", values)


def overwrite(session_id, turns):
    with closing(connect()) as db, db:
        db.execute("DELETE FROM turns WHERE session = ?", [session_id])
        values = [(session_id, role, content) for role, content in turns]
        db.executemany("INSERT INTO turns (session, role, content) VALUES (?, ?, ?)", values)
"""

FILES = """
import json

FOLDER = Path("data/sessions")


def file_of(session_id):
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER / f"{session_id}.jsonl"


def load(session_id):
    path = file_of(session_id)
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def append(session_id, *turns):
    with file_of(session_id).open("a") as file:
        file.write("".join(json.dumps(turn) + "\\n" for turn in turns))


def overwrite(session_id, turns):
    file_of(session_id).write_text("".join(json.dumps(turn) + "\\n" for turn in turns))
"""

REDIS = """
import json
import os

import redis

client = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0"), decode_responses=True)


def load(session_id):
    return [tuple(json.loads(turn)) for turn in client.lrange(f"turns:{session_id}", 0, -1)]


def append(session_id, *turns):
    client.rpush(f"turns:{session_id}", *(json.dumps(turn) for turn in turns))


def overwrite(session_id, turns):
    with client.pipeline() as pipe:
        pipe.delete(f"turns:{session_id}")
        pipe.rpush(f"turns:{session_id}", *(json.dumps(turn) for turn in turns))
        pipe.execute()
"""

LLM = """
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage


{def} answer(session_id, message):
    turns = load(session_id)
    messages = [ChatMessage(role=role, content=content) for role, content in turns]
    messages.append(ChatMessage(role="user", content=message))
    reply = ({await}Settings.llm.{a}chat(messages)).message.content
    append(session_id, ("user", message), ("assistant", reply))
    return reply
"""

BUFFER = """
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage


{def} answer(session_id, message):
    turns = load(session_id)
    history = [ChatMessage(role=role, content=content) for role, content in turns]
    engine = SimpleChatEngine.from_defaults(llm=Settings.llm, chat_history=history)
    reply = str({await}engine.{a}chat(message))
    append(session_id, ("user", message), ("assistant", reply))
    return reply
"""

CART = """
import asyncio

from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step


class Cart(Workflow):
    @step
    async def show(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result="in the cart: " + "; ".join(ev.things))


async def shown(items):
    return await Cart().run(things=items)


{def} answer(session_id, message):
    turns = load(session_id)
    append(session_id, ("item", message))
    return {run}(shown([content for _, content in turns]))
"""

SQLITE_MEMORY = """
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

Path("data").mkdir(exist_ok=True)
database = create_async_engine("sqlite+aiosqlite:///data/memory.db")


def memory_of(session_id):
    return Memory.from_defaults(session_id=session_id, async_engine=database)
"""

URI_MEMORY = """
from llama_index.core.memory import Memory

DATABASE = "sqlite+aiosqlite:///data/memory.db"
Path("data").mkdir(exist_ok=True)


def memory_of(session_id):
    return Memory.from_defaults(session_id=session_id, async_database_uri=DATABASE)
"""

REDIS_MEMORY = """
import os

from llama_index.core.memory import ChatMemoryBuffer
from llama_index.storage.chat_store.redis import RedisChatStore

chat_store = RedisChatStore(redis_url=os.environ.get("REDIS_URL", "redis://localhost:6379/0"))


def memory_of(session_id):
    return ChatMemoryBuffer.from_defaults(chat_store=chat_store, chat_store_key=session_id)
"""

ENGINE = """
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine


{def} answer(session_id, message):
    engine = SimpleChatEngine.from_defaults(llm=Settings.llm, memory=memory_of(session_id))
    return str({await}engine.{a}chat(message))
"""

AGENT = """
import asyncio

from llama_index.core import Settings
from llama_index.core.agent.workflow import FunctionAgent


async def reply_to(session_id, message):
    agent = FunctionAgent(tools=[], llm=Settings.llm)
    return str(await agent.run(message, memory=memory_of(session_id)))


{def} answer(session_id, message):
    return {run}(reply_to(session_id, message))
"""

CONTEXT = """
import asyncio
import json
import sqlite3
from contextlib import contextmanager

from llama_index.core import Settings
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

DATABASE = Path("data/contexts.db")
SELECT = "SELECT state FROM contexts WHERE session = ?"
REPLACE = "REPLACE INTO contexts VALUES (?, ?)"
lock = asyncio.Lock()


@contextmanager
def transaction():
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(DATABASE, timeout=30, isolation_level=None)
    db.execute("CREATE TABLE IF NOT EXISTS contexts (session PRIMARY KEY, state)")
    db.execute("BEGIN IMMEDIATE")  # the workers take turns
    try:
        yield db
        db.execute("COMMIT")
    finally:
        db.close()


class Talk(Workflow):
    @step
    async def talk(self, ctx: Context, ev: StartEvent) -> StopEvent:
        said = await ctx.store.get("said", default=[])
        said = [*said, ev.message]
        reply = await Settings.llm.acomplete("\\n".join(said))
        await ctx.store.set("said", said)
        return StopEvent(result=str(reply))


flow = Talk()


async def answer(session_id, message):
    async with lock:
        with transaction() as db:
            row = db.execute(SELECT, [session_id]).fetchone()
            ctx = Context.from_dict(flow, json.loads(row[0])) if row else Context(flow)
            reply = await flow.run(ctx=ctx, message=message)
            db.execute(REPLACE, [session_id, json.dumps(ctx.to_dict())])
    return reply
"""

FASTAPI = """
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Turn(BaseModel):
    session_id: str
    message: str


@app.post("/chat")
{def} chat(turn: Turn):
    return {"answer": {await}answer(turn.session_id, turn.message)}
"""

STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def chat(request):
    form = await request.form()
    return PlainTextResponse(await answer(form["user"], form["text"]))


app = Starlette(routes=[Route("/ask", chat, methods=["POST"])])
"""

FLASK = """
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.post("/chat/<conversation>")
def chat(conversation):
    return jsonify(answer=answer(conversation, request.get_json()["question"]))
"""

QUART = """
from quart import Quart, request

app = Quart(__name__)


@app.post("/api/chat")
async def chat():
    payload = await request.get_json()
    return {"reply": await answer(payload["user_id"], payload["prompt"])}
"""

DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(SECRET_KEY="planted", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


def ask(request):
    return JsonResponse({"answer": answer(request.headers["X-Client"], request.POST["q"])})


urlpatterns = [path("ask/", ask)]
application = get_wsgi_application()
"""

SANIC = """
from sanic import Sanic
from sanic.response import json as as_json

app = Sanic("planted")


@app.post("/talk")
async def talk(request):
    return as_json({"answer": await answer(request.json["room"], request.json["text"])})
"""

CALLABLE = """

def reply(session_id: str, text: str) -> str:
    return answer(session_id, text)
"""

ASYNC_CALLABLE = """

async def reply(session_id: str, text: str) -> str:
    return await answer(session_id, text)
"""

SYNC = {"flask": FLASK, "django": DJANGO, "callable": CALLABLE, "fastapi-def": FASTAPI}
ASYNC = {"fastapi": FASTAPI, "starlette": STARLETTE, "quart": QUART, "sanic": SANIC, "coroutine": ASYNC_CALLABLE}
_ONE_LOOP = ("engine-db", "database")
"""Stores that serve one event loop: every `asyncio.run` of a sync framework would make another."""
PLAIN = {"rows": ROWS, "files": FILES, "redis": REDIS}
MEMORIES = {"engine-db": SQLITE_MEMORY, "uri-db": URI_MEMORY, "redis-store": REDIS_MEMORY}
STYLES = {"llm": LLM, "buffer": BUFFER, "cart": CART}
MEMORY_STYLES = {"engine": ENGINE, "agent": AGENT}


def _source(*parts: str, waits: bool) -> str:
    words = {"def": "async def", "await": "await ", "a": "a", "run": "await "}
    if not waits:
        words = {"def": "def", "await": "", "a": "", "run": "asyncio.run"}
    text = "from pathlib import Path\n" + "\n".join(parts)
    for word, stands_for in words.items():
        text = text.replace("{" + word + "}", stands_for)
    return text


def apps() -> Iterator[App]:
    """All combinations that go together, in a fixed order."""
    pairs = [(store, style, PLAIN[store], STYLES[style]) for store in PLAIN for style in STYLES]
    pairs += [(store, style, MEMORIES[store], MEMORY_STYLES[style]) for store in MEMORIES for style in MEMORY_STYLES]
    for store, style, kept, talk in [*pairs, ("database", "context", "", CONTEXT)]:
        for framework, entry in {**ASYNC, **SYNC}.items():
            waits = framework in ASYNC
            if not waits and (store in _ONE_LOOP or (store, style) == ("redis-store", "agent")):
                continue
            target = "app.py:reply" if framework in ("callable", "coroutine") else "app.py"
            needs = "redis" if "redis" in store else ""
            yield App(framework, store, style, _source(kept, talk, entry, waits=waits), target, needs)
