"""Try to write to the user's files from inside a run, in every way, and look whether any of them is another afterwards.

    python benchmarks/writes.py [--who root ordinary bounded] [--isolation namespace copy] [--refuse unshare ...]

An app of ours (`writing.py`) tries each way in each kind of folder: the user's own, those that anybody or a group may
write to, another user's with something of the user's in it, folders of the system, and the same by links and /proc.
Each way has files of its own. Prints a row for each kind of folder: how many ways were tried, how many the app could go
(on its own disk), how many were refused to it. What is another afterwards reached the machine, and has failed, but for
what the report of a run in copies names.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import elsewhere
import writing

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import system_calls
from machines import EVERYBODY, Machine, is_in_copies, ordinary_python

_PREPARED = {  # {kind of folder: (where, whose its files are)}
    "project": ("foreign/project", "user"),
    "project, another's folder": ("foreign/project/data", "user"),
    "home": ("home", "user"),
    "anybody's": ("shared", "foreign"),
    "anybody's, deep": ("shared/deep", "foreign"),
    "own in anybody's": ("shared/own", "user"),
    "a group's": ("grouped", "group"),
    "open to all": ("open", "user"),
    "another's, own files": ("foreign", "user"),
    "own below another's": ("foreign/mine", "user"),
    "own below another's, deep": ("foreign/mine/deep", "user"),
}
_SYSTEM = (
    "/",
    "/dev/shm",
    "/etc",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/tmp",
    "/usr/lib",
    "/usr/local",
    "/var/lib",
    "/var/tmp",
)
_MAKING = (
    "create",
    "make-a-folder",
    "make-a-fifo",
    "symlink",
    "bind-a-socket",
    "new-database",
    "nameless",
    "overwrite",
)
_BY_OTHERS = ("in-c", "exchange", "shell", "shell-remove", "shell-move", "dd", "another-python")
"""Ways of C code and other programs, which nothing keeps to the copies where the kernel has no Landlock."""
_OURS = re.compile(rf"statecheck-({'|'.join(writing.WAYS)})\.(txt|dir|new)")


def prepare(machine: Machine) -> dict[str, tuple[str, list[str]]]:
    """Make the files of all ways; return of each kind of folder how the app reaches it, and the ways to try there."""
    for where, owner in _PREPARED.values():
        for way in writing.WAYS:
            file, inside = (machine.root / where / f"statecheck-{way}.{kind}" for kind in ("txt", "dir"))
            file.write_text(f"the user's own, {way}")
            inside.mkdir()
            machine.give(str(file.relative_to(machine.root)), owner, 0o666)
            machine.give(str(inside.relative_to(machine.root)), owner, 0o777)
    link = machine.root / "home" / "link"
    link.symlink_to(machine.root / "open")
    folders = {kind: str(machine.root / where) for kind, (where, _) in _PREPARED.items()}
    folders |= {
        "by a link": str(link),
        "by /proc/self/root": f"/proc/self/root{machine.root}/open",
        "by /proc/1/root": f"/proc/1/root{machine.root}/open",
        "by /proc/self/cwd": "/proc/self/cwd/../../open",
        "by ..": f"{machine.project}/../../shared",
    }
    system = {f"new in {path}": (path.rstrip("/"), list(_MAKING)) for path in _SYSTEM if Path(path).is_dir()}
    return {kind: (folder, list(writing.WAYS)) for kind, folder in folders.items()} | system


def look_at_system() -> set[str]:
    """What lies in the folders of the system that bears a name of ours."""
    return {str(path) for folder in _SYSTEM for path in Path(folder).glob("statecheck-*") if _OURS.fullmatch(path.name)}


def _way_of(path: str) -> str:
    return Path(path).name.removeprefix("statecheck-").partition(".")[0]


def _is_unheld(report: dict[str, Any]) -> bool:
    """Whether the report says that C code and other programs may write anywhere."""
    return any("what these write outside the copies" in note for note in report["notes"])


@dataclass(frozen=True)
class Tried:
    """What was tried as one user.

    Attributes:
        rows: {kind of folder: Counter of `tried`, `done`, `refused`}.
        reached: what is another on the machine afterwards.
        named: what is another and the report says that it may be: in `/dev/shm`, which runs in copies share, and
            outside of these what C code and other programs write where the kernel has no Landlock.
    """

    who: str
    rows: dict[str, Counter[str]]
    reached: list[str]
    named: int


def run(who: str, isolation: str, refused: tuple[str, ...]) -> Tried:
    """Try everything as this user.

    Raises:
        RuntimeError: not all of it was tried.
    """
    machine, system = Machine(who, isolation, refused), look_at_system()
    try:
        folders = prepare(machine)
        for module, name in ((writing, "app.py"), (elsewhere, "elsewhere.py")):
            (machine.project / name).write_text(Path(module.__file__).read_text())
        before = machine.snapshot()
        report = machine.diagnose("--only", "same-process", FOLDERS=json.dumps(folders))
        after = machine.snapshot()
        words = [line.removeprefix("TRIED ") for line in machine.output().splitlines() if line.startswith("TRIED ")]
        wanted = sum(len(ways) for _, ways in folders.values())
        if len(words) < wanted:
            raise RuntimeError(f"only {len(words)} of {wanted} ways were tried: {report['errors']}")
        rows: dict[str, Counter[str]] = {}
        for kind, _, said in map(json.loads, words[:wanted]):  # a process each: the first one's are enough
            rows.setdefault(kind, Counter()).update(["tried", "done" if said == "done" else "refused"])
        reached = [path for path in {*before, *after} if before.get(path) != after.get(path)]
        by_others = {path for path in reached if _is_unheld(report) and _way_of(path) in _BY_OTHERS}
        by_others |= {path for path in reached if any(Path(path) == Path(each).parent for each in by_others)}
        new = look_at_system() - system
        shared = {path for path in new if path.startswith("/dev/shm/")} if is_in_copies(report) else set()
        return Tried(who, rows, sorted([*({*reached} - by_others), *(new - shared)]), len(by_others) + len(shared))
    finally:
        for path in look_at_system() - system:
            shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()
        machine.remove()


def main() -> int:
    """Try as each user, print the tables; 1 if anything reached the machine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--who", choices=EVERYBODY, nargs="*", default=EVERYBODY)
    parser.add_argument("--isolation", choices=("namespace", "copy"), nargs="*", default=("namespace", "copy"))
    parser.add_argument("--refuse", choices=system_calls.ANSWERS, nargs="*", default=())
    options = parser.parse_args()
    all_reached = 0
    for isolation, who in itertools.product(options.isolation, options.who):
        if who == "ordinary" and ordinary_python() is None:
            print("as an ordinary user: left out: no interpreter that one may run has the packages")
            continue
        tried = run(who, isolation, tuple(options.refuse))
        print(f"\n{f'as {who}, {isolation}':30} tried  done  refused")
        for kind, row in tried.rows.items():
            print(f"{kind:30} {row['tried']:5} {row['done']:5} {row['refused']:8}")
        total: Counter[str] = sum(tried.rows.values(), Counter())
        counts = f"tried {total['tried']}, failed {len(tried.reached)}, named by the report {tried.named}"
        print(f"writes as {who}, {isolation}: {counts}")
        for path in tried.reached:
            print(f"  reached: {path}")
        all_reached += len(tried.reached)
    return 1 if all_reached else 0


if __name__ == "__main__":
    sys.exit(main())
