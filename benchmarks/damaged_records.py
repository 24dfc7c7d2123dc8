"""Damage kept runs, judge each again, and print what was tried and what failed.

    python benchmarks/damaged_records.py [--each 12] [--only damaged|forged]

A healthy run and one that lost its state are made first. Whatever is done to a file of theirs, `analyze` must name the
damage: one line, one hint, exit code 2, and never a verdict. Where a record was changed and every hash made to fit,
nobody can tell; there it must come to some end that is documented, without a traceback and without an internal error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY)]

from kept.damages import damages_of_bytes, forgeries  # noqa: E402 - the suite's

from benchmarks.attempts import Attempt, report  # noqa: E402 - of this repository
from statecheck.__main__ import main as statecheck  # noqa: E402 - of this repository

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = {"healthy": "fixed.py", "state-loss": "broken.py"}
DAMAGED, FORGED = (2,), (0, 1, 2, 4)


def answer(*words: str) -> tuple[int, str, str]:
    """Run a command in this process: its exit code, what it said, and what it complained of."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = statecheck(words)
    return code, out.getvalue(), err.getvalue()


def make(folder: Path, app: str) -> Path:
    """Diagnose an app of the multi-worker scenario; the folder of its run."""
    for file in (REPOSITORY / "scenarios" / "multi-worker").glob("*.py"):
        shutil.copy(file, folder)
    answer("diagnose", str(folder / app), "--seed", "1", "--volume", str(folder / "data"))
    return max((folder / ".statecheck" / "runs").glob("2*"))


def judge(run: Path, allowed: tuple[int, ...]) -> str:
    """Judge a run; what is wrong with what was said of it."""
    code, out, err = answer("analyze", str(run))
    said = out + err
    if "Traceback" in said or "internal error" in said:
        return said.strip().splitlines()[0][:300]
    if code not in allowed:
        return f"exit code {code}: {said.strip().splitlines()[0][:200] if said.strip() else ''}"
    errors, hints = (len(re.findall(rf"^{word}: ", err, re.MULTILINE)) for word in ("error", "hint"))
    return "" if allowed != DAMAGED or (errors, hints, out) == (1, 1, "") else f"said {said[:200]!r}"


def attempts(each: int, only: str) -> Iterator[Attempt]:
    """Damage every file of both runs in every way, on a copy each time."""
    with tempfile.TemporaryDirectory() as base:
        for verdict, app in APPS.items():
            folder = Path(base, verdict)
            folder.mkdir()
            run = make(folder, app)
            code, out, _ = answer("analyze", str(run), "--format", "json")
            if f'"verdict": "{verdict}"' not in out:
                yield Attempt("made", app, f"it is not {verdict}: exit code {code}")
                continue
            for kind, damages, allowed in (
                ("damaged", damages_of_bytes(run, each), DAMAGED),
                ("forged", forgeries(run), FORGED),
            ):
                for name, damage in damages if only in kind else ():
                    copy = Path(base, "copy")
                    shutil.copytree(run, copy)
                    damage(copy)
                    yield Attempt(f"{verdict}, {kind}", name, judge(copy, allowed))
                    shutil.rmtree(copy)


def main() -> int:
    """Try all and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--each", type=int, default=12, help="places of each file that are damaged at random")
    parser.add_argument("--only", default="", help="a kind of damage")
    options = parser.parse_args()
    return report(attempts(options.each, options.only))


if __name__ == "__main__":
    sys.exit(main())
