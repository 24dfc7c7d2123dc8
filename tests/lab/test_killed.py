"""Statecheck killed at any moment, by a signal that it cannot catch, leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from labs import ISOLATIONS, User

ROOT = Path(__file__).parents[2]
APP = """\
    import os, pathlib, signal

    said = []


    def reply(session_id, text):
        earlier = list(said)
        said.append(text)
        pathlib.Path("written").write_text(text)
        if os.fork() == 0:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            while True:
                signal.pause()
        return str(earlier)
"""


def start(user: User, isolation: str) -> subprocess.Popen[bytes]:
    user.write(app=APP)
    return subprocess.Popen(
        [sys.executable, "-m", "statecheck", "diagnose", "app.py:reply"],
        cwd=user.project,
        env={**os.environ, **user.environment(isolation), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text("utf-8")


@pytest.mark.parametrize(
    ("number", "seconds"),
    [
        *((signal.SIGKILL, seconds) for seconds in (0.2, 0.45, 0.6, 0.8, 1.1)),
        (signal.SIGTERM, 0.7),
        (signal.SIGINT, 0.7),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_nothing_is_left(number: signal.Signals, seconds: float, tmp_path: Path) -> None:
    before = mounts()
    users = {}
    for isolation in ISOLATIONS:
        (tmp_path / isolation).mkdir()
        users[isolation] = User(tmp_path / isolation)
    started = {isolation: start(user, isolation) for isolation, user in users.items()}
    # the moment is what is varied: it is no handshake
    with contextlib.suppress(subprocess.TimeoutExpired):
        started["copy"].wait(seconds)
    for process in started.values():
        process.send_signal(number)
    for process in started.values():
        process.wait(20)

    for user in users.values():
        assert [] == user.left()
        assert [] == list((user.root / "tmp").iterdir())
        assert [] == list((user.root / "home").iterdir())
        assert {"app.py"} == {path.name for path in user.project.iterdir()} - {".statecheck"}
    assert before == mounts()
