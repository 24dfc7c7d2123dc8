"""Run what is dearer than the suite, and print the figures that a change is described with: `make acceptance`.

    python benchmarks/acceptance.py [--cases FOLDER ...] [--only PART]

A folder of cases that is not there is left out with a line. Exit 1 if a part failed; the others are run all the same.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from machines import WHO  # noqa: E402 - of the suite
from system_calls import ANSWERS  # noqa: E402 - likewise

PYTHON = sys.executable


@dataclass(frozen=True)
class Part:
    """One command, and which lines of its output are its figures.

    Attributes:
        figures: a pattern of these lines; they are counted by its group if it has one.
    """

    name: str
    command: tuple[str, ...]
    figures: str


def parts(cases: list[Path]) -> tuple[Part, ...]:
    """List all parts, those of folders of cases first."""
    return (
        *(
            Part(
                f"cases of {folder.name}", (PYTHON, "benchmarks/cases.py", str(folder)), r"\d+ (?:right|missed|wrong)\b"
            )
            for folder in cases
        ),
        Part("dear tests", (PYTHON, "-m", "pytest", "-q", "-m", "acceptance"), r"=*\s?\d+ (?:passed|failed)"),
        Part(
            "properties with many examples",
            (PYTHON, "-m", "pytest", "-q", "-m", "hypothesis and not acceptance", "--hypothesis-profile=thorough"),
            r"=*\s?\d+ (?:passed|failed)",
        ),
        Part("planted", (PYTHON, "benchmarks/planted.py", "--each", "2"), r"\d+ mutants"),
        Part(
            "variants",
            (PYTHON, "-m", "statecheck", "run", "--all", "--kind", "all", "--format", "concise"),
            r".*: (passed|failed):",
        ),
        Part("stability", (PYTHON, "benchmarks/stability.py"), r"\d+ of \d+ apps got one diagnosis.*"),
        Part("budgets", (PYTHON, "benchmarks/run.py"), r".*\d\.\d\d-\d+\.\d\d"),
        Part("writes", (PYTHON, "benchmarks/writes.py"), r"writes as .*"),
        Part(
            "writes without namespaces and Landlock",
            (PYTHON, "benchmarks/writes.py", "--isolation", "namespace", "--who", *WHO, "--refuse", *ANSWERS),
            r"writes as .*",
        ),
        Part("reaching out", (PYTHON, "benchmarks/reaching_out.py"), r"reaching out as .*"),
        *(
            Part(name, (PYTHON, f"benchmarks/{name.replace(' ', '_')}.py"), r"all: .*")
            for name in ("endless", "damaged records", "kills")
        ),
        *(
            Part(
                f"{name} as {who} by {isolation}",
                (PYTHON, f"benchmarks/{name.replace(' ', '_')}.py", "--who", who, *more),
                r"all: .*",
            )
            for who in WHO
            for name, isolation, more in (
                ("bad inputs", "namespaces", ()),
                ("hostile targets", "namespaces", ()),
                ("hostile targets", "copies", ("--isolation", "copy")),
            )
        ),
        Part("pairs of Pythons", ("make", "--no-print-directory", "test-pairs"), r"=*\s?\d+ (?:passed|failed)"),
    )


def run(part: Part) -> tuple[bool, list[str]]:
    """Run one part, passing its output on; whether it succeeded, and its figures."""
    print(f"\n== {part.name}: {' '.join(part.command)}", flush=True)
    figures = []
    process = subprocess.Popen(part.command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        if found := re.match(part.figures, line):
            figures.append(found[1] if found.re.groups else line.strip(" =\n"))
    if re.compile(part.figures).groups:
        figures = [f"{number} {figure}" for figure, number in Counter(figures).items()]
    return process.wait() == 0, figures


def main() -> int:
    """Run all parts and print their figures together; 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=Path, nargs="*", default=[], help="folders of apps with known diagnoses")
    parser.add_argument("--only", default="", help="a part of the name of what to run")
    options = parser.parse_args()
    for folder in options.cases:
        if not folder.is_dir():
            print(f"no folder `{folder}`: its cases are left out")
    chosen = parts([folder.resolve() for folder in options.cases if folder.is_dir()])
    lines, failed = [], False
    for part in chosen:
        if options.only in part.name:
            started = time.monotonic()
            succeeded, figures = run(part)
            failed = failed or not succeeded
            lines.append(f"{part.name}: {'ok' if succeeded else 'FAILED'}, {time.monotonic() - started:.0f} s")
            lines += [f"    {figure}" for figure in figures]
    print("\n".join(["", "== figures", *lines]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
