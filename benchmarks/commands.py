"""Real runs of the command on a small machine of their own, for programs that try to break a promise many times."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "tests" / "lab"), str(REPOSITORY / "tests")]

from labs import User  # noqa: E402 - the suite's; programs take it from here
from machines import WHO, ordinary_python  # noqa: E402 - likewise

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

__all__ = ["LONGEST", "Machine", "Said", "User", "become", "offer_users", "tell_wrong"]

LONGEST = 120.0
"""Seconds after which a command counts as one that never ends."""
_CHILD = re.compile(r"^ *\|")  # the target's own last lines


@dataclass(frozen=True)
class Said:
    """A command that has ended.

    Attributes:
        code: its exit code; None if it had to be killed.
    """

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def own_lines(self) -> list[str]:
        """What it said itself, without what the target printed."""
        said = self.out + self.err.partition("--- output/")[0]
        return [line for line in said.splitlines() if not _CHILD.match(line)]

    def first_line(self) -> str:
        """For a message: the first line that says something."""
        return next((line for line in self.own_lines if line.strip()), "")[:200]


@dataclass
class Machine:
    """A user's machine in small, on which commands are run; what each leaves behind is looked for."""

    user: User
    isolation: str = "namespace"
    variables: Mapping[str, str] = field(default_factory=dict)
    before: frozenset[str] = field(default_factory=lambda: frozenset(_list_shared()))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in the project."""
        plain = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
        path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
        own = {"PYTHONPATH": path, "TERM": "dumb", "NO_COLOR": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "statecheck", *words],
            cwd=self.user.project,
            env={**plain, **self.user.environment(self.isolation), **own, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def say(self, *words: str) -> Said:
        """Run a command to its end."""
        started = time.monotonic()
        process = self.start(*words)
        code: int | None
        try:
            out, err = process.communicate(timeout=LONGEST)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            code = None
        seconds = time.monotonic() - started
        return Said(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), seconds)

    def left(self) -> str:
        """What is there that should not be: processes, temporary files, shared memory; "" if nothing is."""
        processes = self.user.left()
        for process in processes:
            process.kill()
        temporary = [path.name for path in (self.user.root / "tmp").iterdir()]
        shared = sorted(_list_shared() - self.before)
        found = [f"{len(processes)} processes"] if processes else []
        return ", ".join([*found, *temporary, *shared])


def offer_users(parser: argparse.ArgumentParser) -> None:
    """Offer to run a program as another user than the one who started it."""
    parser.add_argument("--who", choices=WHO, default=WHO[0], help="the user who runs statecheck")


def become(who: str) -> None:
    """Run this program anew as that user, with the same arguments; return if it is run by that one.

    Raises:
        SystemExit: it is left out: no interpreter that an ordinary user may run has the suite's packages.
    """
    if os.getuid() or who == "root":
        return
    found = ordinary_python()
    if found is None:
        print("as an ordinary user: left out: no interpreter that one may run has the packages")
        raise SystemExit(0)
    command, environment = found
    sys.stdout.flush()
    os.execvpe(command[0], [*command, *sys.argv], {**environment, "TMPDIR": "/var/tmp"})


def _list_shared() -> set[str]:
    """What of statecheck's is in shared memory."""
    return {path.name for path in Path("/dev/shm").glob("*statecheck*")}


def tell_wrong(said: Said, codes: tuple[int, ...]) -> str:
    """What is wrong with how a command ended: no documented end, a traceback, an internal error; "" if nothing is."""
    if said.code is None:
        return f"it did not end within {LONGEST:g} s"
    if any(line.startswith("Traceback") for line in said.own_lines):
        return "a traceback"
    if "internal error" in said.out + said.err:
        return said.first_line()
    return "" if said.code in codes else f"exit code {said.code}: {said.first_line()}"
