"""Statecheck killed at any moment, by a signal that it cannot catch, leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from labs import NAMESPACE_FIRST, User

from statecheck.diagnose import _ending
from statecheck.errors import StatecheckError

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
            process.wait(0.05)  # each look reads of every process of the machine
            return


@pytest.mark.parametrize(
    ("number", "hangs_at", "alive"),
    [
        (signal.SIGKILL, 99, 2),
        pytest.param(signal.SIGKILL, 0, CROWD, marks=pytest.mark.acceptance),
        pytest.param(signal.SIGKILL, 1, CROWD, marks=pytest.mark.acceptance),
        pytest.param(signal.SIGKILL, 3, CROWD, marks=pytest.mark.acceptance),
        (signal.SIGKILL, 5, CROWD),
        pytest.param(signal.SIGTERM, 5, CROWD, marks=pytest.mark.acceptance),
        pytest.param(signal.SIGINT, 1, CROWD, marks=pytest.mark.acceptance),
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
@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
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


@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
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
    assert process.returncode == 130
    assert user.left() == []


def test_a_command_does_not_wait_for_its_interpreter_to_take_all_modules_apart() -> None:
    program = "import atexit; from statecheck.__main__ import main; atexit.register(print, 'late'); main()"
    command = [sys.executable, "-c", program, "explain"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False)

    assert done.returncode == 0
    assert done.stdout.endswith(b"next: statecheck explain CODE\n")


class Run:
    """In place of a warm parent."""

    ended = False

    def end(self) -> None:
        self.ended = True

    def stop(self) -> None:
        assert self.ended


def test_ctrl_c_ends_the_run_before_anything_is_done_on_the_way_out() -> None:
    run: Any = Run()
    found = []

    def press() -> None:
        with _ending(run):
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                found.append(run.ended)
                raise StatecheckError("worker-died", "it is gone", "")  # as all that still asks it for something does

    with pytest.raises(KeyboardInterrupt):
        press()

    assert found == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
