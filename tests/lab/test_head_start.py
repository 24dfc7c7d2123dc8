"""A warm parent is started before the options are read; it is taken if it fits, and never left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from labs import User

from statecheck.lab.environment.surroundings import surroundings_of
from statecheck.lab.head_start import HeadStart, begin
from statecheck.options.config import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
APP = """\
memories = {}

def reply(session_id: str, text: str) -> str:
    memories.setdefault(session_id, []).append(text)
    return " ".join(memories[session_id])
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    user = User(tmp_path)
    user.write(app=APP)
    for name, value in user.environment("namespace").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(user.project)
    return user


@contextlib.contextmanager
def begun() -> Iterator[HeadStart]:
    """What is begun for `app.py:reply`; no fixture, as pytest sets a variable anew between a fixture and its test."""
    started = begin(["diagnose", "app.py:reply", "--format", "json"])
    assert started is not None
    yield started
    started.stop()


@pytest.mark.usefixtures("user")
def test_it_is_taken_where_the_options_ask_for_the_same() -> None:
    with begun() as early:
        target = early.resolved("app.py:reply", None)
        assert target is not None
        surroundings, _ = surroundings_of(target, Options())

        launched = early.take(surroundings)

        assert launched is not None
        launched.greet()  # it is there
        launched.stop()
        assert early.take(surroundings) is None, "it is given away once"


def test_it_is_ended_where_they_ask_for_another(user: User) -> None:
    with begun() as early:
        assert early.resolved("other.py", None) is None
        assert early.resolved("app.py:reply", user.project) is None
        target = early.resolved("app.py:reply", None)
        assert target is not None
        surroundings, _ = surroundings_of(target, Options())

        assert early.take(replace(surroundings, environment={"ANOTHER": "1"})) is None
        assert user.left() == []


@pytest.mark.parametrize(
    "words",
    [
        ["diagnose"],
        ["diagnose", "--plan", "app.py:reply"],
        ["diagnose", "app.py:reply", "--python=python3"],
        ["diagnose", "app.py:reply", "--env", "A=B"],
        ["diagnose", "app.py:reply", "--help"],
        ["diagnose", "missing.py:reply"],
    ],
    ids=" ".join,
)
def test_nothing_is_started_for_what_cannot_be_told(user: User, words: list[str]) -> None:
    assert begin(words) is None
    assert user.left() == []


@pytest.mark.parametrize(("option", "code"), [("--bogus", 2), ("--quiet", 1)])
def test_nothing_is_left_of_it(user: User, option: str, code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "statecheck", "diagnose", "app.py:reply", option]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == code, done.stderr
    assert user.left() == []
