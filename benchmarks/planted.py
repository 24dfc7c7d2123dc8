"""Plant causes into correct apps, diagnose the mutants and their clean twins, and print the confusion matrix.

    python benchmarks/planted.py [--each 2] [--only PART] [--jobs 2] [--keep FOLDER]

Every mutation is planted into every pair of store and style that it fits, in as many frameworks as `--each` says,
taken in rotation. A mutant is right when all of its causes are named as errors, none that it does not have, and its
primary cause comes first with its kind; what is no more than a warning has to be one. A clean twin, and an app with an
edit that only looks like a fault, is right when it is `healthy` (`stateless` where its client sends all) and nothing is
found in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from generator.apps import PROJECT, App, apps  # noqa: E402 - the generator is the tests'
from generator.kinds import MUTATIONS  # noqa: E402 - likewise

if TYPE_CHECKING:
    from generator.mutations import Mutation


@dataclass(frozen=True)
class Planted:
    """One app to diagnose: a clean one, or one with a mutation."""

    app: App
    mutation: Mutation | None
    source: str

    @property
    def name(self) -> str:
        """`fastapi-rows-llm+new-key`, or without what follows the plus."""
        return f"{self.app.name}+{self.mutation.name}" if self.mutation else self.app.name


@dataclass(frozen=True)
class Judged:
    """What became of it: what it must be called, what it was called, and what is wrong with that ("" if nothing)."""

    planted: Planted
    wanted: str
    said: str
    wrong: str
    seconds: float


def planted(each: int) -> list[Planted]:
    """All mutants, each pair of store and style in `each` frameworks, then the clean twins of all that are used."""
    generated = list(apps())
    pairs = list(dict.fromkeys((app.store, app.style) for app in generated))
    found: list[Planted] = []
    for number, mutation in enumerate(MUTATIONS):
        for offset, pair in enumerate(pairs):
            able = [app for app in generated if (app.store, app.style) == pair]
            mutants = [(app, mutation.apply(app.source, *pair)) for app in able]
            fitting = [Planted(app, mutation, source) for app, source in mutants if source is not None]
            start = (number + offset) * each
            found += [fitting[(start + n) % len(fitting)] for n in range(min(each, len(fitting)))]
    twins = dict.fromkeys(one.app for one in found)
    return [*found, *(Planted(app, None, app.source) for app in twins)]


def judge(one: Planted, keep: Path | None) -> Judged:
    """Diagnose one app in a process of its own and compare."""
    home = Path(tempfile.mkdtemp(prefix="statecheck-planted-"))
    folder = keep / one.name if keep else home / "app"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(one.source)
    (folder / "pyproject.toml").write_text(PROJECT)
    command = [sys.executable, "-m", "statecheck", "diagnose", one.app.target, "--format", "json"]
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    seconds = time.monotonic() - started
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {"verdict": "refused", "causes": [], "errors": [{"slug": "", "text": done.stderr[-300:]}]}
    if keep:
        (folder / "report.json").write_text(done.stdout)
    return compare(one, report, seconds)


def compare(one: Planted, report: dict[str, Any], seconds: float) -> Judged:
    """Say what is wrong with a report."""
    causes = [cause for cause in report["causes"] if cause["severity"] == "error"]
    names = [cause["name"] for cause in causes]
    said = next((cause["name"] for cause in causes if cause["primary"]), report["verdict"])
    planted = one.mutation
    if planted is None or planted.harmless:
        verdict = planted.verdict if planted else "healthy"
        found = [cause["kind"] or cause["name"] for cause in report["causes"]]
        right = said == verdict and not found
        wrong = "" if right else " ".join([*found, *(e["text"] for e in report["errors"])]) or said
        return Judged(one, verdict, said, wrong, seconds)
    wanted = next(iter(planted.must), "healthy")
    problems = [f"no {name}" for name in planted.must if name not in names]
    problems += [f"false {name}" for name in names if name not in {*planted.must, *planted.may}]
    if not problems and said != wanted and said not in planted.may:
        problems.append(f"primary is {said}")
    mine = next((cause["kind"] for cause in causes if cause["name"] == wanted), None)
    if planted.kind and not problems and mine != planted.kind:
        problems.append(f"kind {mine}, not {planted.kind}")
    warned = [cause["kind"] for cause in report["causes"] if cause["severity"] == "warning"]
    if planted.warning and planted.warning not in warned:
        problems.append(f"no warning {planted.warning}{f', but {warned}' if warned else ''}")
    elif planted.warning and not planted.must and not problems:
        said = f"({planted.warning})"
    if problems:
        problems += [e["text"] for e in report["errors"]]
    if planted.warning and not planted.must:
        wanted = f"({planted.warning})"
    return Judged(one, wanted, said, "; ".join(problems), seconds)


def matrix(results: list[Judged]) -> str:
    """Return the confusion matrix: rows are what is so, columns what was said."""
    cells = Counter((result.wanted, result.said) for result in results)
    columns = sorted({said for _, said in cells})
    rows = sorted({wanted for wanted, _ in cells})
    width = max(map(len, rows)) + 2
    lines = [" " * width + "  ".join(columns)]
    for wanted in rows:
        counts = [str(cells[wanted, said] or ".").rjust(len(said)) for said in columns]
        lines.append(wanted.ljust(width) + "  ".join(counts))
    return "\n".join(lines)


def main() -> int:
    """Diagnose them all; exit 1 unless every one is right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--each", type=int, default=2, help="frameworks for each mutation, store and style")
    parser.add_argument("--only", action="append", default=[], help="those whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--keep", type=Path, help="a folder for every app, with its report and recorded run")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args()
    chosen = [one for one in planted(options.each) if all(part in one.name for part in options.only)]
    if options.list:
        print("\n".join(one.name for one in chosen))
        return 0
    results = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda one: judge(one, options.keep), chosen):
            results.append(result)
            verdict = "right" if not result.wrong else f"WRONG {result.wrong}"
            print(f"{result.seconds:5.1f} s  {result.planted.name:50} {verdict}", flush=True)
    right = sum(not result.wrong for result in results)
    mutants = sum(result.planted.mutation is not None for result in results)
    print(f"\n{matrix(results)}\n\n{mutants} mutants and {len(results) - mutants} clean twins: {right} right")
    return 0 if right == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
