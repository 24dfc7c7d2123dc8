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
CROWD = 12
APP = f"""\
    import os, pathlib, shutil, signal, threading

    said = []
    hangs_at = int(os.environ["HANGS_AT"])


    def child():
        if os.fork() == 0:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            if os.getpid() % 2:
                os.chdir("/")
                os.closerange(0, 256)
                os.execve(shutil.which("sleep"), ["sleep", os.environ["LEFT_BEHIND_BY"]], {{}})
            while True:
                signal.pause()


    def hang():
        for _ in range({CROWD}):
            child()
        threading.Event().wait()


    def reply(session_id, text):
        earlier = list(said)
        said.append(text)
        pathlib.Path("written").write_text(text)
        child()
        if len(said) == hangs_at:
            hang()
        return str(earlier)


    if not hangs_at:
        hang()
"""


def start(user: User, isolation: str, hangs_at: int) -> subprocess.Popen[bytes]:
    user.write(app=APP)
    environment = {"HANGS_AT": str(hangs_at), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "statecheck", "diagnose", "app.py:reply"],
        cwd=user.project,
        env={**os.environ, **user.environment(isolation), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text("utf-8")


def reach(process: subprocess.Popen[bytes], user: User, alive: int) -> None:
    """Wait until a run has this many processes: an app that hangs has made a crowd of them before."""
    while len(user.processes()) < alive:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
            return


@pytest.mark.parametrize(
    ("number", "hangs_at", "alive"),
    [
        (signal.SIGKILL, 99, 2),
        (signal.SIGKILL, 0, CROWD),
        (signal.SIGKILL, 1, CROWD),
        (signal.SIGKILL, 3, CROWD),
        (signal.SIGKILL, 5, CROWD),
        (signal.SIGTERM, 5, CROWD),
        (signal.SIGINT, 1, CROWD),
        (signal.SIGINT, 5, CROWD),
    ],
    ids=[
        "starting",
        "importing",
        "first turn",
        "other turn",
        "overlap",
        "terminated",
        "interrupted",
        "interrupted overlap",
    ],
)
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_nothing_is_left(isolation: str, number: signal.Signals, hangs_at: int, alive: int, tmp_path: Path) -> None:
    user = User(tmp_path)
    before = mounts()
    process = start(user, isolation, hangs_at)
    reach(process, user, alive)
    running = process.poll() is None
    process.send_signal(number)
    process.wait(20)
    left = user.left()
    for one in left:
        one.kill()

    assert running
    assert left == []
    assert list((user.root / "tmp").iterdir()) == []
    assert list((user.root / "home").iterdir()) == []
    assert {path.name for path in user.project.iterdir()} - {".statecheck"} == {"app.py"}
    assert mounts() == before


LIBRARY = """\
import os, signal, threading

for _ in range(%d):
    if os.fork() == 0:
        while True:
            signal.pause()
threading.Event().wait()
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_ctrl_c_does_not_wait_for_a_library_that_hangs(isolation: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "hangs.py").write_text(LIBRARY % CROWD, "utf-8")
    user.write(app="import hangs\n\ndef reply(session_id, text):\n    return text\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "statecheck", "diagnose", "app.py:reply"],
        cwd=user.project,
        env={**os.environ, **user.environment(isolation), "PYTHONPATH": f"{ROOT}{os.pathsep}{libraries}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    reach(process, user, CROWD)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)  # the import itself would be waited for three times as long

    assert said.startswith(b"error: interrupted\n")
    # a shell shows both as 130: with `-m`, Python itself ends so where an `exec` of its libraries was interrupted
    assert process.returncode in (130, -signal.SIGINT)
    assert user.left() == []
