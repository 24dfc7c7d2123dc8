"""A model's call that fails once in a turn: the app's own retry gets an answer, and what it stores again is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs import User, diagnosed_in_turn

from statecheck.experiments import MODEL_FAILS
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

APP = """\
    import sqlite3

    from fastapi import FastAPI
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI
    from openai import RateLimitError

    app, llm = FastAPI(), OpenAI(model="gpt-4o-mini", max_retries=0)


    def store(sql, *values):
        db = sqlite3.connect("data/said.db", isolation_level=None)
        db.execute("CREATE TABLE IF NOT EXISTS said (trip, role, body)")
        return db.execute(sql, values).fetchall()


    def answer(trip, text):
        store("INSERT INTO said VALUES (?, 'user', ?)", trip, text)
        said = store("SELECT role, body FROM said WHERE trip = ? ORDER BY rowid", trip)
        reply = llm.chat([ChatMessage(role=role, content=body) for role, body in said]).message.content
        store("INSERT INTO said VALUES (?, 'assistant', ?)", trip, reply)
        return {"reply": reply}


    @app.post("/trips/{trip_id}")
    def say(trip_id: str, payload: dict):
        try:
            return answer(trip_id, payload["message"])
        except RateLimitError:
            return answer(trip_id, payload["message"])
"""


def test_a_retry_that_stores_the_question_again_is_told(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=APP)
    (user.project / "data").mkdir()

    ran = diagnosed_in_turn(user, "app.py:app", Options(seed=1, only=(MODEL_FAILS,)))

    assert ran.outcomes()[MODEL_FAILS] == "duplicated"
    (cause,) = (each for each in ran.diagnosis.causes if each.kind == "failed-turn")
    assert (cause.severity, cause.anchor.line) == ("warning", 18)
