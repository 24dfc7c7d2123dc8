"""Diagnose apps that misbehave in every way and at every stage, and print what was tried and what failed.

    python benchmarks/hostile_targets.py [--who root|ordinary] [--isolation namespace|copy] [--jobs 2] [--only PART]

The app is one that keeps its conversations well. What is done to it, or by it, is put in where it is imported, in its
first turn, in a later turn, and in the background. Each run must end in time, leave no process and no file behind,
say nothing of a fault of its own, and never call an app healthy that it could not finish with.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.attempts import Attempt, report  # noqa: E402 - of this repository
from benchmarks.commands import Machine, User, become, offer_users, tell_wrong  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 2
MOST_SECONDS = 60.0
APP = """\
import ctypes, fcntl, json, os, pathlib, resource, signal, socket, sys, threading, time

FILE = pathlib.Path(__file__).parent / "data" / "said"


def act():
{act}


def reply(session_id: str, text: str) -> str:
    if {at_first}:
        act()
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        said = [earlier for session, earlier in map(json.loads, file) if session == session_id]
        file.write(json.dumps([session_id, text]) + "\\n")
    if said and {at_later}:
        act()
    return " ".join([*said, text])


if {at_import}:
    act()
if {at_background}:
    threading.Thread(target=act, daemon=True).start()
"""
STAGES = ("import", "first", "later", "background")
ENDS = {
    "raises": "raise ValueError('no')",
    "raises what is no exception of a program's": "raise BaseException('no')",
    "is interrupted": "raise KeyboardInterrupt",
    "exits": "sys.exit(0)",
    "exits with a text": "sys.exit('::error::bye')",
    "exits at once": "os._exit(0)",
    "kills itself": "os.kill(os.getpid(), signal.SIGKILL)",
    "terminates itself": "os.kill(os.getpid(), signal.SIGTERM)",
    "aborts": "os.abort()",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "waits for ever": "threading.Event().wait()",
    "is busy for ever": "while True: pass",
    "calls itself without end": "act()",
    "closes all descriptors": "os.closerange(0, 4096)",
    "writes junk on all descriptors": "[attempt(fd, b'junk') for fd in range(3, 256)]",
    "writes lines on all descriptors": "[attempt(fd, b'{}\\n') for fd in range(3, 256)]",
    "writes nested JSON on all descriptors": "[attempt(fd, b'[' * 60_000 + b'\\n') for fd in range(3, 256)]",
    "writes without end on all descriptors": (
        "while True: [attempt(fd, b'x' * 65536) for fd in range(3, 256) if is_socket(fd)]"
    ),
    "pretends to be ready": """[attempt(fd, b'{"ready": {}, "fds": 0}\\n') for fd in range(3, 256)]""",
    "may open no more files": "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    "may have no more memory": "resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20)); bytes(1 << 24)",
    "takes memory until there is none": (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31)); kept = [bytes(1 << 20) for _ in range(4096)]"
    ),
}
"""What should keep a run from being finished; where it does not, the verdict must be earned all the same."""
GOES_ON = {
    "starts threads that never end": (
        "[threading.Thread(target=threading.Event().wait, daemon=False).start() for _ in range(20)]"
    ),
    "leaves children behind": "[os.fork() or signal.pause() for _ in range(10)]",
    "leaves children that hear nothing": (
        "[os.fork() or (os.setsid(), [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)], signal.pause())"
        " for _ in range(5)]"
    ),
    "prints without measure": "[print('x' * 1_000_000) for _ in range(50)]",
    "prints what no terminal should see": "print('\\x1b[2J\\x1b]0;x\\x07' * 1000, '\\n::error::x\\n##[error]x')",
    "writes a large file": "pathlib.Path('large').write_bytes(bytes(50 << 20))",
    "writes many files": "[pathlib.Path(f'many{n}').write_text('x') for n in range(2000)]",
    "does without end what is recorded": "[open('recorded', 'a').close() for _ in range(60_000)]",
    "ignores all signals": "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]",
    "closes standard streams": "[os.close(fd) for fd in (0, 1, 2)]",
    "lowers its priority": "os.nice(19)",
    "changes directory": "os.chdir('/')",
    "changes the mask": "os.umask(0o777)",
    "replaces functions": "json.dumps = json.loads; time.monotonic = time.sleep",
}
HELPERS = """\
import os, stat


def attempt(fd, data):
    try:
        os.set_blocking(fd, False)
        os.write(fd, data)
    except OSError:
        pass


def is_socket(fd):
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False
"""


@dataclass(frozen=True)
class Target:
    """What an app does, and when."""

    what: str
    act: str
    stage: str

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.what}, {self.stage}"

    def source(self) -> str:
        """The app."""
        at = {f"at_{stage}": stage == self.stage for stage in STAGES}
        return f"from helpers import attempt, is_socket\n{APP.format(act=f'    {self.act}', **at)}"


def targets() -> list[Target]:
    """All of them; what only one stage can show is not put in the others."""
    every = [Target(what, act, stage) for what, act in ENDS.items() for stage in STAGES]
    return every + [Target(what, act, stage) for what, act in GOES_ON.items() for stage in ("import", "later")]


def attempt(target: Target, isolation: str) -> Attempt:
    """Diagnose one, and say what was not as promised."""
    with tempfile.TemporaryDirectory() as base:
        machine = Machine(User(Path(base)), isolation)
        machine.user.write(app=target.source(), helpers=HELPERS)
        words = ("diagnose", "app.py:reply", "--volume", "data", "--timeout", str(SECONDS), "--format", "json")
        said = machine.say(*words, "--show-logs")
        wrong = tell_wrong(said, (0, 1, 4))
        if not wrong and said.seconds > MOST_SECONDS:
            wrong = f"it took {said.seconds:.0f} s"
        if not wrong and said.code == 0 and target.what in ENDS and target.stage != "background":
            wrong = f"it was found {json.loads(said.out)['verdict']}"
        if not wrong and any(line.lstrip().startswith("::") or "##[" in line for line in said.err.splitlines()):
            wrong = "a command of a workflow"
        return Attempt(target.stage, target.what, wrong or machine.left())


def attempts(isolation: str, only: str, jobs: int) -> Iterator[Attempt]:
    """All targets, some beside each other."""
    chosen = [target for target in targets() if only in target.name]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda target: attempt(target, isolation), chosen)


def main() -> int:
    """Try all and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--isolation", choices=("namespace", "copy"), default="namespace")
    parser.add_argument("--jobs", type=int, default=2, help="runs beside each other")
    parser.add_argument("--only", default="", help="a part of the name of what to try")
    offer_users(parser)
    options = parser.parse_args()
    become(options.who)
    return report(attempts(options.isolation, options.only, options.jobs))


if __name__ == "__main__":
    sys.exit(main())
