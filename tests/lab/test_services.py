"""Apps that name Redis or PostgreSQL, diagnosed with throwaway servers: nothing is handed over, and nothing is left."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from labs import NAMESPACE_FIRST, User, diagnosed

from statecheck.lab.services.programs import find
from statecheck.options.config import Options

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (find("redis") and find("postgres")), reason="no server here")

RACE = """\
    import asyncio, json, os, urllib.request
    import redis.asyncio as redis

    db = redis.from_url(os.environ["REDIS_URL"])


    def ask(history):
        body = json.dumps({"model": "m", "messages": history}).encode()
        asked = urllib.request.Request("https://api.openai.com/v1/chat/completions", body)
        return json.load(urllib.request.urlopen(asked))["choices"][0]["message"]["content"]


    async def reply(session_id, text):
        history = json.loads(await db.get(session_id) or "[]")
        history.append({"role": "user", "content": text})
        answer = await asyncio.to_thread(ask, history)
        await db.set(session_id, json.dumps(history))
        return answer
"""
STALE = """\
    import json, redis

    db = redis.Redis(host="cache", port=6390, password="secret")
    cache = {}


    def reply(session_id, text):
        if session_id not in cache:
            cache[session_id] = json.loads(db.get(session_id) or "[]")
        earlier = list(cache[session_id])
        cache[session_id].append(text)
        db.set(session_id, json.dumps(cache[session_id]))
        return str(earlier)
"""
TABLE = """\
    import os, psycopg, uuid

    DSN = os.getenv("DATABASE_URL", "postgresql://chat:secret@db:5432/chat")


    def reply(session_id, text):
        {session}
        with psycopg.connect(DSN) as db:
            rows = db.execute("SELECT text, current_user FROM said WHERE session = %s", [session]).fetchall()
            db.execute("INSERT INTO said VALUES (%s, %s)", [session, text])
        return str(rows)
"""


SCHEMA = "-- run before the first start\nCREATE TABLE said (session text, text text);\n"


def causes(user: User, isolation: str, **options: object) -> list[tuple[str, str | None, int]]:
    ran = diagnosed(user, "app.py:reply", isolation, Options(seed=1, **options))  # type: ignore[arg-type]
    assert ran.diagnosis.errors == ()
    return [(one.code, one.kind, one.anchor.line) for one in ran.diagnosis.causes]


@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
def test_a_race_in_redis(isolation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "REDIS_URL", "redis://:real@redis.prod.example.com/0"
    )  # must not be asked, and need not be there
    user = User(tmp_path)
    user.write(app=RACE)

    assert causes(user, isolation, only=("concurrent",)) == [
        ("SC105", "user-code", 17),
        ("SC107", "answers-missing", 10),
    ]


def test_a_copy_in_front_of_redis_at_a_port_and_host_of_the_code_s_own(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=STALE)

    assert causes(user, "namespace", only=("other-worker", "new-process")) == [("SC102", "stale-cache", 4)]


def test_a_table_that_is_kept(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=TABLE.replace("{session}", "session = session_id"))
    (user.project / "schema.sql").write_text(SCHEMA)

    ran = diagnosed(user, "app.py:reply", "namespace")

    assert ran.diagnosis.verdict == "healthy"
    assert any("PostgreSQL" in note and "as DATABASE_URL, for app.py:3" in note for note in ran.diagnosis.notes)
    assert "('chat',)" not in ran.answers("same-process")[0]  # empty at the start
    assert "'chat')" in ran.answers("same-process")[1]  # the role that the code names


@pytest.mark.acceptance
def test_a_table_asked_under_a_new_key_each_time_by_a_client_in_c(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=TABLE.replace("{session}", "session = str(uuid.uuid4())"))
    (user.project / "schema.sql").write_text(SCHEMA)

    assert causes(user, "copy") == [("SC106", "new-key", 9)]  # where it is asked for


def test_tables_that_nothing_makes(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=TABLE.replace("{session}", "session = session_id"))

    (problem,) = diagnosed(user, "app.py:reply", "namespace").diagnosis.errors

    assert problem.slug == "service-empty"
    assert problem.hint.endswith("hand one over with `--env DATABASE_URL=…` where they are made")


HANGS = """\
    import os, psycopg, redis, subprocess

    redis.from_url(os.environ["REDIS_URL"]).set("a", 1)
    db = psycopg.connect(os.environ["DATABASE_URL"])
    subprocess.run(["sleep", os.environ["LEFT_BEHIND_BY"]])


    def reply(session_id, text):
        return text
"""


def name_of(process: psutil.Process) -> str:
    """ "" of one that has ended meanwhile, as those do that a database's start-up takes."""
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
@pytest.mark.acceptance
def test_killed_with_servers_running(isolation: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=HANGS)
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "statecheck", "diagnose", "app.py:reply"],
            cwd=user.project,
            env={**os.environ, **user.environment(isolation), "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=said,
        )
    while not any("sleep" in name_of(one) for one in user.processes()):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            pytest.fail((tmp_path / "said").read_text())
    family = psutil.Process(process.pid).children(recursive=True)
    names = {name_of(one) for one in family}

    process.kill()
    process.wait()
    _, left = psutil.wait_procs(family, timeout=10)

    assert {"valkey-server", "postgres"} <= names
    assert left == []
    assert list((user.root / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("REDIS_URL", "pip install 'statecheck[redis]'"),
        (
            "QDRANT_URL",
            "hand over one of your own that may be thrown away: `--env QDRANT_URL=…`",
        ),
    ],
)
def test_a_service_that_cannot_be_had(
    variable: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statecheck.lab.services.throwaway.find", lambda _: None)
    user = User(tmp_path)
    user.write(app=f"import os\nurl = os.environ['{variable}']\ndef reply(text):\n    return text\n")

    ran = diagnosed(user, "app.py:reply", "namespace")

    (problem,) = ran.diagnosis.errors
    assert ran.diagnosis.verdict == "inconclusive"
    assert (problem.slug, problem.hint) == ("service-missing", hint)
    assert f"({variable}, app.py:2)" in problem.text


def test_a_service_that_is_missing_and_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statecheck.lab.services.throwaway.find", lambda _: None)
    user = User(tmp_path)
    user.write(app="import os\nurl = os.getenv('REDIS_URL', 'redis://cache')\ndef reply(text):\n    return text\n")

    ran = diagnosed(user, "app.py:reply", "namespace")

    assert (ran.diagnosis.verdict, ran.diagnosis.errors) == ("stateless", ())
    assert any(note.startswith("not provided: Redis (REDIS_URL, app.py:2)") for note in ran.diagnosis.notes)


def test_a_server_in_the_way_of_copies(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as real:
        port = real.getsockname()[1]
        user = User(tmp_path)
        user.write(app=f"import redis\ndb = redis.Redis(port={port})\ndef reply(text):\n    return text\n")

        (problem,) = diagnosed(user, "app.py:reply", "copy").diagnosis.errors

    assert problem.slug == "service-in-the-way"
    assert f"at port {port} (app.py:1)" in problem.text
