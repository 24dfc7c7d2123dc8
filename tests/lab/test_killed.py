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


def reach(process: subprocess.Popen[bytes], user: User, alive: int) -> None:
    """Wait until a run has this many processes: the app's children add up from turn to turn."""
    while len(user.processes()) < alive:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
            return


@pytest.mark.parametrize(
    ("number", "alive"),
    [*((signal.SIGKILL, alive) for alive in (1, 3, 5, 8, 14)), (signal.SIGTERM, 5), (signal.SIGINT, 5)],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_nothing_is_left(isolation: str, number: signal.Signals, alive: int, tmp_path: Path) -> None:
    user = User(tmp_path)
    before = mounts()
    process = start(user, isolation)
    reach(process, user, alive)
    killed = process.poll() is None
    process.send_signal(number)
    process.wait(20)

    assert killed
    assert user.left() == []
    assert list((user.root / "tmp").iterdir()) == []
    assert list((user.root / "home").iterdir()) == []
    assert {path.name for path in user.project.iterdir()} - {".statecheck"} == {"app.py"}
    assert mounts() == before
