"""Diagnose apps with a race again and again, on a machine that is idle and on one that is not: one verdict each.

    python benchmarks/stability.py [APP ...] [--runs 20] [--busy 10] [--python BIN]

APP is a Python file, or a folder that has a `case.json` or one app; without any, the racy ones of the scenarios, and a
fixed twin. In the first `--busy` runs of each, as many processes as there are cores do nothing but use them. A line an
app says how often each diagnosis was made. Exit 1 if one app got two of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
SCENARIOS = REPOSITORY / "scenarios"
RACY = (
    "async-race/broken.py",
    "async-race/fixed.py",
    "async-race/interleaved/broken.py",
    "async-race/library-store/broken.py",
    "broken-store/cold-start/broken.py",
    "session-key/swapped/broken.py",
)
VOLUMES = ("--volume", "data")  # where the scenarios keep what they keep
SPIN = "while True: pass"


@dataclass(frozen=True)
class App:
    """What is diagnosed: a file in a folder that is copied away, and the options of the command."""

    name: str
    folder: Path
    target: str
    options: tuple[str, ...] = ()


def find_app(given: str) -> App:
    """Return the app that was named.

    Raises:
        SystemExit: there is none.
    """
    path = Path(given).resolve()
    if path.is_file():
        return App(given, path.parent, path.name)
    if (path / "case.json").is_file():
        case = json.loads((path / "case.json").read_text())
        return App(path.name, path, case["target"], tuple(case.get("options", ())))
    files = sorted(path.glob("*.py"))
    if len(files) != 1:
        raise SystemExit(f"error: `{given}` is neither an app nor a folder with one")
    return App(path.name, path, files[0].name)


@contextlib.contextmanager
def busy_cores(*, busy: bool) -> Iterator[None]:
    """Keep every core busy meanwhile, or leave them as they are."""
    cores = os.cpu_count() or 1
    burners = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(cores if busy else 0)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def diagnose(app: App, python: str) -> str:
    """Diagnose a copy of an app once; in one line, the verdict and each cause with what was said of it."""
    with tempfile.TemporaryDirectory(prefix="statecheck-stability-") as home:
        copy = Path(home) / "project"
        shutil.copytree(app.folder, copy, ignore=shutil.ignore_patterns("case.json", ".statecheck", "__pycache__"))
        command = [python, "-m", "statecheck", "diagnose", app.target, *app.options, "--format", "json"]
        path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return f"exit {done.returncode}: {' '.join(done.stderr.split())[-200:]}"
    return " ".join((report["verdict"], *map(spell_cause, report["causes"])))


def spell_cause(cause: dict[str, Any]) -> str:
    """One cause in a word."""
    anchor = cause["anchor"]
    severity = "!" if cause["primary"] else "" if cause["severity"] == "error" else "?"
    return f"{cause['code']}{severity}/{cause['kind']}@{anchor['path']}:{anchor['line']}"


def main() -> int:
    """Run them all; 1 if an app got more than one diagnosis."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("apps", nargs="*", metavar="APP")
    parser.add_argument("--runs", type=int, default=20, help="of each app")
    parser.add_argument("--busy", type=int, default=10, help="of these with all cores busy")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs statecheck")
    options = parser.parse_args()
    apps = [find_app(given) for given in options.apps]
    apps = apps or [App(name, (SCENARIOS / name).parent, Path(name).name, VOLUMES) for name in RACY]
    unstable = 0
    for app in apps:
        seen: Counter[tuple[str, bool]] = Counter()
        started = time.monotonic()
        for number in range(options.runs):
            busy = number < options.busy
            with busy_cores(busy=busy):
                seen[diagnose(app, options.python), busy] += 1
        found = sorted({said for said, _ in seen})
        unstable += len(found) > 1
        counts = "; ".join(f"{seen[said, False]} idle + {seen[said, True]} busy: {said}" for said in found)
        grade = "stable" if len(found) == 1 else "UNSTABLE"
        print(f"{grade}  {app.name}  {counts}  ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{len(apps) - unstable} of {len(apps)} apps got one diagnosis in {options.runs} runs")
    return int(unstable > 0)


if __name__ == "__main__":
    sys.exit(main())
