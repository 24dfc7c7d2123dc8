"""Turns in threads: stores that several use at once, and how many there are where the app is deployed."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed, diagnosed_in_turn

from statecheck.judge.evidence.mends import FIRST_THAT_LOSES
from statecheck.model import Anchor
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

APP = """\
    import threading

    from llama_index.core.llms import ChatMessage
    from llama_index.core.memory import Memory

    memories = {}
    lock = threading.Lock()


    def reply(session_id, text):
        with lock:
            if session_id not in memories:
                memories[session_id] = Memory.from_defaults(session_id)
                memories[session_id].get_all()  # makes its table
        memory = memories[session_id]
        memory.put(ChatMessage(role="user", content=text))
        for _ in range(30):  # as often as to be sure that two threads meet
            said = memory.get_all()
        return str([message.content for message in said])
"""
LOCKED = """\
    from app import lock, reply


    def one_at_a_time(session_id, text):
        with lock:
            return reply(session_id, text)
"""
RACING = """\
    from flask import Flask, request
    from llama_index.core.llms import MockLLM

    app = Flask(__name__)
    kept = {}
    llm = MockLLM()


    @app.post("/chat")
    def chat():
        said = [*kept.get(request.form["session_id"], []), request.form["message"]]
        answer = str(llm.complete("\\n".join(said)))
        kept[request.form["session_id"]] = said
        return answer
"""
EXCHANGING = """\
    from contextlib import nullcontext
    from threading import Lock

    from bottle import Bottle, request
    from llama_index.core import Settings

    app = Bottle()
    state = {"kept": {}}
    lock = LOCK


    @app.post("/chat")
    def chat():
        with lock:
            state["who"] = request.json["session_id"]
            said = [*state["kept"].get(state["who"], []), request.json["message"]]
            answer = Settings.llm.complete("\\n".join(said)).text
            state["kept"][state["who"]] = said
        return {"answer": answer}
"""
SQLALCHEMY = tuple(map(int, version("SQLAlchemy").split(".")[:2]))
OPTIONS = Options(seed=1, only=("same-process", "concurrent"))


@pytest.mark.acceptance
@pytest.mark.skipif(
    SQLALCHEMY < FIRST_THAT_LOSES,
    reason="all threads share one connection: what is lost is SC105, and nothing hangs",
)
def test_a_store_that_threads_break_is_told_and_what_hangs_in_it_is_not_waited_for(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=APP)
    before = time.monotonic()
    ran = diagnosed(user, "app.py:reply", "namespace", OPTIONS)

    (found,) = ran.diagnosis.causes
    assert (found.code, found.kind, found.severity) == ("SC107", "several-threads", "warning")
    assert found.anchor == Anchor("app.py", 16)
    assert ran.outcomes()["concurrent"] == "error"
    assert ran.diagnosis.verdict == "inconclusive"
    assert time.monotonic() - before < 30, "no turn was waited for until it was given up"
    assert user.left() == []


@pytest.mark.acceptance
def test_one_that_a_lock_keeps_from_it_is_kept(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=APP.replace("Lock()", "RLock()"), calm=LOCKED)
    ran = diagnosed_in_turn(user, "calm.py:one_at_a_time", OPTIONS)

    assert ran.diagnosis.causes == ()
    assert ran.outcomes()["concurrent"] == "kept"


@pytest.mark.parametrize(("threads", "outcome"), [pytest.param(1, "kept", marks=pytest.mark.acceptance), (2, "lost")])
def test_turns_overlap_as_the_threads_of_the_deployment_let_them(tmp_path: Path, threads: int, outcome: str) -> None:
    user = User(tmp_path)
    user.write(app=RACING)
    (user.project / "Procfile").write_text(f"web: gunicorn --threads {threads} app:app\n")
    ran = diagnosed_in_turn(user, "app.py", OPTIONS)

    assert ran.outcomes()["concurrent"] == outcome
    assert f"Procfile:1 gives a worker {threads} thread{'' if threads == 1 else 's'}" in ran.diagnosis.notes


@pytest.mark.parametrize(
    ("lock", "found"),
    [("nullcontext()", [("SC106", "swapped", 15)]), pytest.param("Lock()", [], marks=pytest.mark.acceptance)],
)
def test_what_two_sessions_exchange_in_threads_is_no_lost_update(
    tmp_path: Path, lock: str, found: list[tuple[str, str, int]]
) -> None:
    user = User(tmp_path)
    user.write(app=EXCHANGING.replace("LOCK", lock))
    ran = diagnosed_in_turn(user, "app.py", Options(seed=1, only=("same-process", "two-sessions")))

    causes = [(cause.code, cause.kind, cause.anchor and cause.anchor.line) for cause in ran.diagnosis.causes]
    assert causes == found
    assert ran.outcomes()["two-sessions"] == ("leaked" if found else "isolated")
