"""Keys that a process makes for itself: what two processes share is found by neither under the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed, diagnosed_in_turn

from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

APP = """\
    import hashlib, json, os, pathlib


    def reply(user, text):
        file = pathlib.Path(f"chats/{KEY}.json")
        file.parent.mkdir(exist_ok=True)
        said = json.loads(file.read_text()) if file.exists() else []
        said.append(text)
        file.write_text(json.dumps(said))
        return " ".join(said)
"""


@pytest.mark.parametrize("key", ["{hash(user)}", "{os.getpid()}-{user}"])
def test_a_key_of_each_process_is_new(key: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=APP.replace("{KEY}", key))

    ran = diagnosed_in_turn(user, "app.py:reply", Options(skip=("concurrent", "concurrent-workers")))

    assert [(cause.code, cause.kind) for cause in ran.diagnosis.causes] == [("SC106", "new-key")]
    assert ran.outcomes()["same-process"] == "kept"


@pytest.mark.parametrize("seed", [{}, {"PYTHONHASHSEED": "7"}])
def test_a_key_that_all_processes_share_is_none_of_each(seed: dict[str, str], tmp_path: Path) -> None:
    user = User(tmp_path)
    key = "{hash(user)}" if seed else "{hashlib.md5(user.encode()).hexdigest()}"
    user.write(app=APP.replace("{KEY}", key))

    ran = diagnosed(
        user, "app.py:reply", "namespace", Options(env=tuple(seed.items()), skip=("concurrent", "concurrent-workers"))
    )

    assert [cause.code for cause in ran.diagnosis.causes] == ["SC103"]


COUNTED = """\
    import itertools
    from pathlib import Path

    from fastapi import FastAPI

    app = FastAPI()
    numbers = itertools.count(1)


    @app.post("/chats")
    def begin():
        return {"chat_id": str(next(numbers))}


    @app.post("/chats/{chat_id}/messages")
    def say(chat_id: str, payload: dict):
        file = Path(f"data/{chat_id}.txt")
        said = file.read_text() if file.exists() else ""
        file.write_text(said + payload["message"])
        return {"answer": said}
"""


@pytest.mark.parametrize(
    ("made", "whom"),
    [
        pytest.param("next(numbers)", "by two processes, each to another user", marks=pytest.mark.acceptance),
        ("int(time.time())", "to two users who come at the same time"),
    ],
)
def test_an_id_that_is_handed_out_twice_is_two_users(made: str, whom: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=COUNTED.replace("next(numbers)", made).replace("import itertools", "import itertools, time"))
    (user.project / "data").mkdir()

    ran = diagnosed_in_turn(user, "app.py:app", Options(seed=1, only=("opened-elsewhere",)))

    assert ran.outcomes()["opened-elsewhere"] == "leaked"
    (cause,) = (each for each in ran.diagnosis.causes if each.severity == "error")
    assert (cause.code, cause.kind, cause.anchor.line) == ("SC106", "repeated-id", 10)
    assert whom in cause.summary


HOST = """\
    import socket
    from pathlib import Path


    def reply(user, text):
        file = Path(f"data/{socket.gethostname()}-{user}.txt")
        socket.gethostbyname(socket.gethostname())
        said = file.read_text() if file.exists() else ""
        file.write_text(said + text)
        return said
"""


def test_a_container_that_replaces_another_has_another_name(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=HOST)
    (user.project / "data").mkdir()

    options = Options(seed=1, volumes=(user.project / "data",), only=("other-worker", "new-process", "new-container"))
    ran = diagnosed_in_turn(user, "app.py:reply", options)

    assert {name: ran.outcomes()[name] for name in options.only} == {
        "other-worker": "kept",
        "new-process": "kept",
        "new-container": "lost",
    }
    (cause,) = ran.diagnosis.causes
    assert (cause.code, cause.kind, cause.anchor.line) == ("SC106", "new-key", 8)
    assert "the host's name" in cause.summary


@pytest.mark.acceptance
def test_a_container_has_the_name_that_the_project_s_files_give_it(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(
        app=HOST.replace("socket.gethostname()}-", "os.environ['HOSTNAME']}-").replace("import", "import os, ", 1)
    )
    (user.project / "data").mkdir()
    options = Options(seed=1, volumes=(user.project / "data",), only=("new-container",))
    anew = diagnosed_in_turn(user, "app.py:reply", options)

    (user.project / "compose.yaml").write_text("services: {app: {build: ., hostname: desk}}")
    named = diagnosed_in_turn(user, "app.py:reply", options)

    assert [(cause.code, cause.kind) for cause in anew.diagnosis.causes] == [("SC106", "new-key")]
    assert (named.outcomes()["new-container"], named.diagnosis.causes) == ("kept", ())


ANSWERED_BEFORE = """\
    import json, pathlib

    answers = {}


    def reply(user, text):
        file = pathlib.Path(f"{user}.json")
        said = [*(json.loads(file.read_text()) if file.exists() else []), text]
        file.write_text(json.dumps(said))
        return answers.setdefault({KEY}, " ".join(said))
"""


@pytest.mark.parametrize(
    ("key", "outcome"), [("text", "leaked"), pytest.param("(user, text)", "kept", marks=pytest.mark.acceptance)]
)
def test_what_another_user_said_too_is_answered_anew(key: str, outcome: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=ANSWERED_BEFORE.replace("{KEY}", key))

    ran = diagnosed_in_turn(user, "app.py:reply", Options(only=("same-text",)))

    assert ran.outcomes()["same-text"] == outcome
    kinds = [(cause.code, cause.kind) for cause in ran.diagnosis.causes]
    assert kinds == [("SC106", "shared-answer")] * (outcome == "leaked")


NAMED = """\
    import uuid

    from fastapi import FastAPI
    from llama_index.core.llms import ChatMessage, MockLLM

    app = FastAPI()
    llm = MockLLM(max_tokens=8)
    chats = {}


    @app.post("/chats")
    def begin(payload: dict):
        chat_id = uuid.uuid4().hex
        chats[chat_id] = []
        return {"chat_id": chat_id, "title": llm.complete("A title for: " + payload["topic"]).text}


    @app.post("/chats/{chat_id}/messages")
    def say(chat_id: str, payload: dict):
        said = chats[chat_id]
        said.append(ChatMessage(role="user", content=payload["content"]))
        said.append(llm.chat(said).message)
        return {"answer": said[-1].content}
"""


def test_a_chat_that_a_model_names_when_it_begins_has_its_turns_elsewhere(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=NAMED)

    ran = diagnosed_in_turn(user, "app.py:app", Options(seed=1, only=("same-process", "other-worker")))

    assert ran.outcomes()["same-process"] == "kept"
    assert [cause.code for cause in ran.diagnosis.causes if cause.severity == "error"] == ["SC102"]
