"""The budgets of `design.md`, each as a ratio to a named peer that is measured in the same run.

    python benchmarks/run.py [--rounds 7] [--only PART]

What is measured and its peer take turns (A B A B …), so that a busy machine slows both. A line gives the median of
each with its least and greatest, the ratio of the medians, the least and greatest ratio of a round, and the budget.
Our modules are compiled beforehand, as pip compiles what it installs.
Exits 1 if a ratio is over its budget. The span needs opentelemetry-sdk; where it is missing, that line is skipped.
"""

from __future__ import annotations

import argparse
import compileall
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
OPS = 20_000


@dataclass(frozen=True)
class Budget:
    """What is measured, its peer, and how much of it is allowed; each call returns seconds."""

    name: str
    measure: Callable[[], float]
    peer_name: str
    peer: Callable[[], float]
    most: float
    rounds: int = 1
    """Pairs for each round that was asked for: quick ones need more."""


def command(*words: str) -> Callable[[], float]:
    """The seconds that a Python command takes, from start to end; its exit code must be 0 or 1."""

    def run() -> float:
        started = time.perf_counter()
        done = subprocess.run([sys.executable, *words], env=ENVIRONMENT, capture_output=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode not in (0, 1) or b"Traceback" in done.stderr:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return seconds

    return run


def statecheck(*words: str) -> Callable[[], float]:
    """The same for one of our own commands."""
    return command("-m", "statecheck", *words)


def diagnose(folder: Path) -> Callable[[], float]:
    """`diagnose` of the article's app, all experiments; what it says must be right."""
    output = folder / "report.json"
    run = statecheck("diagnose", str(folder / "article.py"), "--format", "json", "--output", str(output))

    def measured() -> float:
        seconds = run()
        report = json.loads(output.read_bytes())
        if [cause["code"] for cause in report["causes"]][:2] != ["SC102", "SC103"]:
            raise SystemExit(f"not the diagnosis that the article's app must get: {report}")
        return seconds

    return measured


def cold_start() -> float:
    """From starting the interpreter until the first answer of the article's app."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        listening.set_inheritable(True)
        number = str(listening.fileno())
        started = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, str(HERE / "cold.py"), number],
            env=ENVIRONMENT,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
        try:  # the socket is bound, so the connection waits until the app is there: nothing polls
            host, port = listening.getsockname()
            client = http.client.HTTPConnection(host, port, timeout=120)
            body = json.dumps({"session_id": "s", "message": "hello"})
            client.request("POST", "/chat", body, {"content-type": "application/json"})
            answer = client.getresponse()
            answer.read()
            seconds = time.perf_counter() - started
            client.close()
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"the article's app answered {answer.status}")
    return seconds


def inner(name: str) -> Callable[[], float]:
    """Seconds for each op or span, measured in a process of its own."""

    def run() -> float:
        words = [sys.executable, str(HERE / "ops.py"), name, str(OPS)]
        done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        return float(done.stdout)

    return run


def budgets(folder: Path) -> list[Budget]:
    """All that can be measured here."""
    typer = "python -c 'import typer, rich'"
    imports = command("-c", "import typer, rich")
    # told to look for compiled files where there are none, the target finds its packages as uv installs them
    bare = folder / "bare"
    bare.mkdir()
    shutil.copy(folder / "article.py", bare)
    (bare / ".env").write_text(f"PYTHONPYCACHEPREFIX={bare / 'none'}\n")
    listed = [
        Budget("diagnose article.py", diagnose(folder), "one cold start of it", cold_start, 1.4),
        Budget("the same without .pyc", diagnose(bare), "with them", diagnose(folder), 1.3),
        Budget("--version", statecheck("--version"), "python -c pass", command("-c", "pass"), 1.5, 5),
        Budget("list", statecheck("list"), typer, imports, 2.0, 3),
        Budget("explain SC102", statecheck("explain", "SC102"), typer, imports, 2.0, 3),
    ]
    found = subprocess.run(
        [sys.executable, "-c", "import opentelemetry.sdk"], env=ENVIRONMENT, capture_output=True, check=False
    )
    if found.returncode == 0:
        listed.append(Budget("one op with frames", inner("op"), "one span, 6 attributes", inner("span"), 0.35))
    else:
        print("skipped: one op over one span (opentelemetry-sdk is not installed: pip install opentelemetry-sdk)\n")
    return listed


def shown(seconds: list[float]) -> str:
    """Median, least and greatest, in the unit that suits."""
    unit, factor = ("us", 1e6) if max(seconds) < 1e-3 else ("ms", 1e3) if max(seconds) < 1 else ("s", 1)
    middle, least, most = (value * factor for value in (statistics.median(seconds), min(seconds), max(seconds)))
    digits = 1 if unit != "s" else 2
    return f"{middle:.{digits}f} {unit} ({least:.{digits}f}-{most:.{digits}f})"


def compare(budget: Budget, rounds: int) -> bool:
    """Measure one budget, print its line, and tell whether it is kept."""
    ours, theirs = [], []
    budget.measure()  # the first of each fills caches
    budget.peer()
    for _ in range(rounds * budget.rounds):
        ours.append(budget.measure())
        theirs.append(budget.peer())
    ratio = statistics.median(ours) / statistics.median(theirs)
    each = [a / b for a, b in zip(ours, theirs, strict=True)]
    kept = ratio <= budget.most
    spread = f"{min(each):.2f}-{max(each):.2f}"
    row = (budget.name, shown(ours), budget.peer_name, shown(theirs), f"{ratio:.2f}", spread, f"{budget.most:g}")
    print(LINE.format(*row, "" if kept else "OVER"), flush=True)
    return kept


LINE = "{:20} {:22} {:30} {:22} {:>5}  {:11} {:>6} {}"


def main() -> int:
    """Measure and print; 1 if a budget is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of measurements (more for quick commands)")
    parser.add_argument("--only", default="", help="a part of the name of what to measure")
    chosen = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    for ours in (HERE.parent / "statecheck", HERE):
        compileall.compile_dir(ours, quiet=1)
    with tempfile.TemporaryDirectory(prefix="statecheck-bench-") as folder:
        shutil.copy(HERE / "article.py", folder)
        listed = [budget for budget in budgets(Path(folder)) if chosen.only in budget.name]
        print(LINE.format("", "statecheck", "peer", "", "ratio", "each round", "budget", ""))
        over = [budget.name for budget in listed if not compare(budget, chosen.rounds)]
        return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
