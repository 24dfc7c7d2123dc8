"""Handlers that a service calls: each is called as its service does, and diagnosed with its fixed twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed

from statecheck.config import Options
from statecheck.model import Anchor

if TYPE_CHECKING:
    from pathlib import Path

LAMBDA = """\
    import json
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer

    memories = {}


    def lambda_handler(event, context):
        body = json.loads(event["body"])
        memory = memories.get(body["session"])
        if memory is None:
            memory = memories[body["session"]] = ChatMemoryBuffer.from_defaults()
        answer = SimpleChatEngine.from_defaults(memory=memory).chat(body["text"])
        return {"statusCode": 200, "body": json.dumps({"answer": str(answer), "id": context.aws_request_id})}
"""
LAMBDA_FIXED = """\
    import asyncio, json, sqlite3
    from llama_index.core import Settings
    from llama_index.core.llms import ChatMessage


    async def answer(session, text):
        with sqlite3.connect("data/said.db", timeout=20) as db:
            db.execute("create table if not exists said (id integer primary key, session, role, text)")
            rows = db.execute("select role, text from said where session = ? order by id", (session,)).fetchall()
        said = [*(ChatMessage(text, role=role) for role, text in rows), ChatMessage(text)]
        reply = (await Settings.llm.achat(said)).message.content
        with sqlite3.connect("data/said.db", timeout=20) as db:
            rows = [(session, "user", text), (session, "assistant", reply)]
            db.executemany("insert into said (session, role, text) values (?, ?, ?)", rows)
        return reply


    def lambda_handler(event, context):
        body = json.loads(event.get("body") or "{}")
        loop = asyncio.get_event_loop()
        return {"statusCode": 200, "body": loop.run_until_complete(answer(body["session"], body["text"]))}
"""
REFUSING = """\
    import json


    def handler(event, context):
        text = json.loads(event["body"])["text"]
        return {"statusCode": 503, "body": f"closed for today, {text}"}
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def found(ran: Ran) -> list[tuple[str, Anchor]]:
    return [(one.code, one.anchor) for one in ran.diagnosis.causes]


def test_a_lambda_handler_keeps_its_globals_in_one_environment(user: User) -> None:
    user.write(app=LAMBDA)

    ran = diagnosed(user, "app.py", "namespace")

    assert ran.diagnosis.target.framework == "lambda"
    assert found(ran) == [("SC102", Anchor("app.py", 5)), ("SC103", Anchor("app.py", 5))]
    ids = [answer.rpartition('"id"')[2] for answer in ran.answers("same-process")]
    assert len(set(ids)) == len(ids) == 2, "each invocation has a context of its own"
    assert ran.outcomes()["concurrent"] == "kept", "an environment takes one event at a time"


def test_a_lambda_handler_with_a_store_outside_is_healthy(user: User) -> None:
    user.write(app=LAMBDA_FIXED)
    (user.project / "data").mkdir()

    ran = diagnosed(user, "app.py", "namespace", Options(seed=1, volumes=(user.project / "data",)))

    assert (found(ran), ran.diagnosis.verdict) == ([], "healthy")


def test_the_status_of_an_error_refuses_the_turn(user: User) -> None:
    user.write(app=REFUSING)

    ran = diagnosed(user, "app.py", "namespace", Options(seed=1, only=("same-process",)))

    (problem,) = ran.diagnosis.errors
    assert (ran.diagnosis.verdict, problem.slug) == ("inconclusive", "turn-refused")
    assert "503: closed for today" in problem.text
