"""Apps whose turns end late, print much or bring threads along: each is run as it runs in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed, diagnosed_in_turn

from statecheck.experiments import REPORTED
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

ONE = Options(seed=1, only=("same-process",))

LATE = """\
    import asyncio
    from fastapi import BackgroundTasks, FastAPI

    app = FastAPI()
    said = []


    async def remember(text):
        await asyncio.sleep(0.3)
        said.append(text)


    @app.post("/chat")
    async def chat(payload: dict, background: BackgroundTasks):
        background.add_task(remember, payload["message"])
        return {"earlier": list(said)}
"""
STREAMED = """\
    import asyncio
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()
    said = []


    @app.post("/chat")
    async def chat(payload: dict):
        async def words():
            for text in [*said, "end"]:
                yield text + "\\n"
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            said.append(payload["message"])

        return StreamingResponse(words())
"""
TALKATIVE = """\
    import os

    said = []


    def reply(session_id, text):
        earlier = list(said)
        said.append(text)
        print(f"first words {len(earlier)}", flush=True)
        for _ in range(50):
            os.write(1, b"x" * (1 << 20))
        print("last words", flush=True)
        return str(earlier)
"""
ASYNCHRONOUS = """\
    import asyncio

    said = {}


    async def reply(session_id, text):
        earlier = list(said.get(session_id, []))
        await asyncio.sleep(0)
        said[session_id] = [*earlier, text]
        return str(earlier)
"""
METHOD = """\
    class Bot:
        def __init__(self):
            self.said = {}

        def reply(self, session_id, text):
            self.said.setdefault(session_id, []).append(text)
            return str(self.said[session_id][:-1])


    bot = Bot()
"""
TYPED = """\
    from dataclasses import dataclass


    @dataclass
    class Asked:
        who: str
        text: str


    class Bot:
        def __init__(self):
            self.said = {}

        def reply(self, asked: Asked) -> dict:
            self.said.setdefault(asked.who, []).append(asked.text)
            return {"earlier": self.said[asked.who][:-1]}
"""
THREADED = """\
    import os, threading
    import busy

    said = []


    def reply(session_id, text):
        earlier = list(said)
        said.append(text)
        return f"{os.getpid()} {busy.thread.is_alive()} {earlier}"
"""
BUSY = """\
import threading

waiting = threading.Event()
thread = threading.Thread(target=waiting.wait, daemon=True)
thread.start()
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def kept(ran: Ran) -> bool:
    return ran.outcomes()["same-process"] == "kept"


@pytest.mark.parametrize("app", [LATE, STREAMED], ids=["background", "stream"])
def test_a_turn_ends_when_the_app_is_done_with_it(app: str, user: User) -> None:
    user.write(app=app)

    assert kept(diagnosed_in_turn(user, "app.py", ONE))


def test_an_app_that_prints_fifty_megabytes_a_turn(user: User) -> None:
    user.write(bot=TALKATIVE)
    ran = diagnosed_in_turn(user, "bot.py:reply", ONE)
    output = ran.output()

    assert kept(ran)
    assert "first words 0" in output
    assert output.rstrip().endswith("last words")
    assert len(output) < 2_000_000


@pytest.mark.parametrize(
    ("app", "spec"), [(ASYNCHRONOUS, "bot.py:reply"), (METHOD, "bot.py:bot.reply"), (TYPED, "bot.py:Bot.reply")]
)
def test_callables_of_every_kind(app: str, spec: str, user: User) -> None:
    user.write(bot=app)

    assert kept(diagnosed_in_turn(user, spec, ONE))


def test_libraries_that_start_threads_get_workers_started_afresh(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = user.root / "site-packages"
    installed.mkdir()
    (installed / "busy.py").write_text(BUSY, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(installed))
    user.write(bot=THREADED)
    ran = diagnosed(user, "bot.py:reply", "namespace", Options(seed=1, only=REPORTED[:4]))

    assert any("afresh" in note for note in ran.diagnosis.notes)
    assert list(ran.outcomes().values())[:4] == ["kept", "lost", "lost", "lost"]
    for answers in map(ran.answers, ("same-process", "other-worker")):
        assert {"True"} == {answer.split()[1] for answer in answers}, "the library's thread is there in each worker"
    assert user.left() == []


@pytest.mark.parametrize(
    ("app", "slug"),
    [
        ("import sys\nsys.exit(3)\ndef reply(session_id, text): ...\n", "start-died import-failed"),
        ("raise RuntimeError('no key')\ndef reply(session_id, text): ...\n", "import-failed"),
        ("import no_such_library\ndef reply(session_id, text): ...\n", "missing-dependency"),
        ("import os\ndef reply(session_id, text):\n    os._exit(1)\n", "worker-died"),
        ("import os, signal\ndef reply(session_id, text):\n    os.kill(os.getpid(), 9)\n", "worker-died"),
        ("def reply(session_id, text):\n    raise KeyError(session_id)\n", "turn-refused"),
    ],
    ids=["exits", "raises", "lacks", "leaves", "kills itself", "refuses"],
)
def test_an_app_that_cannot_run_is_inconclusive(app: str, slug: str, user: User) -> None:
    user.write(bot=app)
    ran = diagnosed(user, "bot.py:reply", "namespace", ONE)

    assert ran.diagnosis.verdict == "inconclusive"
    assert {problem.slug for problem in ran.diagnosis.errors} <= set(slug.split())
    assert ran.diagnosis.errors
    assert user.left() == []
