"""Diagnose every app of a folder of apps with known diagnoses, and print what was right.

    python benchmarks/cases.py FOLDER [--redis URL] [--pg URL] [--only PART] [--jobs 2] [--python BIN] [--keep FOLDER]

Each folder holds a `case.json` (`target`, `must`, `may`, `primary`, `lines`, `env`, `options`) beside the app. An app
is copied away before it runs, without its answer. A variable of `env` that stands for a server ({redis}, {pg}, ...) is
left to statecheck's own throwaway servers unless a server is given here. A case is right when every cause of `must` is
named as an error, none outside `must` and `may` is, the primary one (or the verdict) is the one that was asked for, and
the report has what each pattern of `says` finds, and nothing that one of `not_says` finds.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
WIDTHS = (34, 8, 26, 26, 9, 6)


@dataclass(frozen=True)
class Result:
    """What became of one case: `right`, `missed` (nothing, or too little, was found), `wrong` (something untrue)."""

    name: str
    grade: str
    wanted: str
    primary: str
    anchor: str
    seconds: float
    note: str
    pairs: tuple[tuple[str, str], ...]


def services(options: argparse.Namespace) -> dict[str, str]:
    """Return what the placeholders of a case's environment stand for."""
    after = options.pg.partition("://")[2]
    return {
        "{redis}": options.redis,
        "{pg}": options.pg,
        "{pg_asyncpg}": f"postgresql+asyncpg://{after}" if after else "",
        "{pg_psycopg}": f"postgresql+psycopg://{after}" if after else "",
    }


def diagnose(folder: Path, case: dict[str, Any], options: argparse.Namespace) -> tuple[dict[str, Any], str, float]:
    """Run statecheck on a copy of one app.

    Returns:
        Its report (or what it said instead), the same as people read it, and the seconds that it took.
    """
    known, given = services(options), []
    for name, value in case.get("env", {}).items():
        if not any(placeholder in value and not url for placeholder, url in known.items()):
            filled = functools.reduce(lambda text, pair: text.replace(*pair), known.items(), value)
            given += ["--env", f"{name}={filled}"]
    home = Path(tempfile.mkdtemp(prefix="statecheck-cases-"))
    copy = home / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("case.json", ".statecheck", "__pycache__"))
    program = [options.python, "-m", "statecheck"]
    command = [*program, "diagnose", case["target"], *case.get("options", ()), *given, "--format", "json"]
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    run = functools.partial(
        subprocess.run, cwd=copy, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    started = time.monotonic()
    try:
        done = run(command)
        seconds = time.monotonic() - started
        if options.keep:
            kept = Path(options.keep) / folder.name
            kept.mkdir(parents=True, exist_ok=True)
            (kept / "report.json").write_text(done.stdout)
            (kept / "stderr.txt").write_text(f"{done.stderr}\nexit {done.returncode}\n")
            shutil.rmtree(kept / "statecheck", ignore_errors=True)
            if (copy / ".statecheck").is_dir():
                shutil.copytree(copy / ".statecheck", kept / "statecheck", symlinks=True)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return {"refused": f"exit {done.returncode}: {' '.join(done.stderr.split())[-300:]}"}, "", seconds
        return report, run([*program, "analyze"]).stdout, seconds
    except subprocess.TimeoutExpired:
        return {"refused": "ran for more than 600 seconds"}, "", time.monotonic() - started
    finally:
        shutil.rmtree(home, ignore_errors=True)


def grade(folder: Path, options: argparse.Namespace) -> Result:
    """Diagnose one case and compare."""
    case = json.loads((folder / "case.json").read_text())
    report, text, seconds = diagnose(folder, case, options)
    wanted, must, may = case["primary"], set(case["must"]), set(case.get("may", ()))
    if "verdict" not in report:
        return Result(folder.name, "missed", wanted, "-", "-", seconds, report["refused"], ((wanted, "-"),))
    causes = [cause for cause in report["causes"] if cause["severity"] == "error"]
    found = {cause["name"] for cause in causes}
    first = next((cause["name"] for cause in causes if cause["primary"]), report["verdict"])
    unsaid = [
        f"does not say /{pattern}/" for pattern in case.get("says", ()) if not re.search(pattern, text, re.IGNORECASE)
    ]
    unsaid += [f"says /{pattern}/" for pattern in case.get("not_says", ()) if re.search(pattern, text, re.IGNORECASE)]
    # where a case names a verdict, what may be an error or a warning makes it a loss or leaves it as it is
    right = first == wanted or ("verdict" in case and report["verdict"] == case["verdict"])
    right = right or ("verdict" in case and bool(found) and found <= may)
    if found - must - may or (first in ("healthy", "stateless") and not right):
        result = "wrong"
    elif must - found or (first == "inconclusive") != (wanted == "inconclusive"):
        result = "missed"
    else:
        result = "wrong" if not right else "missed" if unsaid else "right"
    off = []
    for cause in causes:
        lines = case.get("lines", {}).get(cause["name"])
        here = f"{cause['anchor']['path']}:{cause['anchor']['line']}"
        if lines and cause["name"] in must and here not in lines:
            off.append(f"{cause['name']} at {here}, not {' '.join(lines)}")
    notes = [f"false {name}" for name in sorted(found - must - may)] + [f"no {name}" for name in sorted(must - found)]
    notes += [f"{problem['slug']}: {problem['text']}" for problem in report["errors"]] + off + unsaid
    anchored = any(case.get("lines", {}).get(name) for name in found & must)
    pairs = tuple((name, name if name in found else "-") for name in sorted(must))
    pairs += tuple(("-", name) for name in sorted(found - must - may))
    pairs = pairs or ((wanted, first),)
    anchor = "off" if off else "ok" if anchored else "-"
    return Result(folder.name, result, wanted, first, anchor, seconds, "; ".join(notes), pairs)


def row(*cells: str) -> str:
    """One line of the table."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=False)) + "  " + cells[-1]


def main() -> int:
    """Run them all; exit 1 unless every one is right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--redis", default="", help="what {redis} stands for (redis://...)")
    parser.add_argument("--pg", default="", help="what {pg} stands for (postgresql://...), and its asyncpg forms")
    parser.add_argument("--only", action="append", default=[], help="cases whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs statecheck")
    parser.add_argument("--keep", help="a folder for every report, with its recorded run")
    options = parser.parse_args()
    folders = sorted(file.parent for file in options.folder.glob("*/case.json"))
    if options.only:
        folders = [folder for folder in folders if any(part in folder.name for part in options.only)]
    print(row("case", "grade", "right", "said", "anchor", "s", ""))
    results = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda folder: grade(folder, options), folders):
            results.append(result)
            cells = (result.name, result.grade, result.wanted, result.primary, result.anchor, f"{result.seconds:.1f}")
            print(row(*cells, result.note), flush=True)
    if not results:
        print("no case found", file=sys.stderr)
        return 2
    grades = Counter(result.grade for result in results)
    print("\n" + ", ".join(f"{number} {name}" for name, number in grades.most_common()))
    confusion = Counter(pair for result in results for pair in result.pairs)
    for (right, said), number in sorted(confusion.items()):
        print(f"  {number:3}  {right} -> {said}" if right != said else f"  {number:3}  {right}")
    return 0 if set(grades) <= {"right"} else 1


if __name__ == "__main__":
    sys.exit(main())
