"""Kill every command at every moment by every signal, and print what was tried and what was left.

    python benchmarks/kills.py [--each 18] [--jobs 2] [--isolation namespace|copy] [--most-seconds 1] [--only PART]

Each command is run once to its end, to learn how long it takes; then it is killed at `--each` moments spread over that
time, with SIGKILL, SIGTERM and SIGINT in turn. An app that hangs when it is imported, in its first turn, in a later one
or where turns overlap stretches these phases. Afterwards nothing may be there: no process, no temporary file, nothing
in shared memory, no mount, nothing new in the user's home or project but `.statecheck`. Ctrl-C must end it in time.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "lab")]

from test_killed import APP, mounts  # noqa: E402 - the suite's

from benchmarks.attempts import Attempt, report  # noqa: E402 - of this repository
from benchmarks.commands import Machine, User  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
DIAGNOSE = ("diagnose", "app.py:reply", "--timeout", "5")
HANGING_SECONDS = 4.0  # an app that hangs has long been hanging by then
LONGEST = 120.0


@dataclass(frozen=True)
class Command:
    """What is killed.

    Attributes:
        hangs_at: the turn of the app at which it hangs: 0 is its import, 99 none.
        kept: it needs a run that was kept.
    """

    name: str
    words: tuple[str, ...]
    hangs_at: int = 99
    kept: bool = False

    def machine(self, base: str, isolation: str) -> Machine:
        """A machine on which it can be run."""
        user = User(Path(base))
        user.write(app=APP)
        return Machine(user, isolation, {"HANGS_AT": str(self.hangs_at)})


COMMANDS = (
    Command("diagnose", DIAGNOSE),
    Command("diagnose, at import", DIAGNOSE, 0),
    Command("diagnose, first turn", DIAGNOSE, 1),
    Command("diagnose, other turn", DIAGNOSE, 3),
    Command("diagnose, overlap", DIAGNOSE, 5),
    Command("diagnose --plan", (*DIAGNOSE, "--plan")),
    Command("diagnose -o", (*DIAGNOSE, "--output", "report")),
    Command("diagnose, in a folder", ("diagnose", ".", "--timeout", "5")),
    Command("run", ("run", "multi-worker", "--timeout", "5")),
    Command("run, a variant", ("run", "multi-worker", "--kind", "stale-cache", "--timeout", "5")),
    Command("analyze", ("analyze",), kept=True),
    Command("clean", ("clean",), kept=True),
    Command("doctor", ("doctor",)),
    Command("list", ("list",)),
    Command("explain", ("explain",)),
    Command("schema", ("schema",)),
    Command("--help", ("--help",)),
)


def find_length(command: Command, isolation: str) -> float:
    """How long a command takes; one that hangs is given the time to."""
    if command.hangs_at != 99:
        return HANGING_SECONDS
    with tempfile.TemporaryDirectory() as base:
        return _prepared(command, base, isolation).say(*command.words).seconds


def _prepared(command: Command, base: str, isolation: str) -> Machine:
    machine = command.machine(base, isolation)
    if command.kept:
        machine.say(*DIAGNOSE)
    return machine


def attempt(command: Command, number: signal.Signals, moment: float, isolation: str, most: float) -> Attempt:
    """Kill one command once; what was left, or how long it went on."""
    with tempfile.TemporaryDirectory() as base:
        machine = _prepared(command, base, isolation)
        before = mounts()
        process = machine.start(*command.words)
        try:
            process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        killed = time.monotonic()
        try:
            process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        took = time.monotonic() - killed
        wrong = [machine.left()] if machine.left() else []
        wrong += [f"it went on for {took:.1f} s"] if took > most else []
        wrong += ["a mount"] if mounts() != before else []
        wrong += [f"{path.name} in the home" for path in (machine.user.root / "home").iterdir()]
        names = {path.name for path in machine.user.project.iterdir()} - {".statecheck", "app.py", "report"}
        wrong += [f"{name} in the project" for name in sorted(names)]
        return Attempt(f"{command.name}", f"{number.name} after {moment:.2f} s", ", ".join(wrong))


def attempts(each: int, jobs: int, isolation: str, most: float, only: str) -> Iterator[Attempt]:
    """All of them; the signals go round."""
    with ThreadPoolExecutor(jobs) as pool:
        for command in COMMANDS:
            if only in command.name:
                length = find_length(command, isolation)
                moments = [length * (at + 0.5) / each for at in range(each)]
                numbers = [SIGNALS[at % len(SIGNALS)] for at in range(each)]
                with_most = partial(attempt, command, isolation=isolation, most=most)
                yield from pool.map(with_most, numbers, moments)


def main() -> int:
    """Try all and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--each", type=int, default=18, help="moments at which each command is killed")
    parser.add_argument("--jobs", type=int, default=2, help="commands beside each other")
    parser.add_argument("--isolation", choices=("namespace", "copy"), default="namespace")
    parser.add_argument("--most-seconds", type=float, default=1.0, help="for which a command may go on when killed")
    parser.add_argument("--only", default="", help="a part of the name of what to kill")
    options = parser.parse_args()
    # where a shell starts this in the background, it has all that it starts ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return report(attempts(options.each, options.jobs, options.isolation, options.most_seconds, options.only))


if __name__ == "__main__":
    sys.exit(main())
