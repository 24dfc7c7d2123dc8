"""A small machine of several users, whose project `statecheck` is run on: as root, and as an ordinary user."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ORDINARY, FOREIGN = 61234, 61235
"""The ids of users whom no machine has: the one who runs statecheck, and another."""

WHO = ("root", "ordinary") if os.getuid() == 0 else ("ordinary",)
EVERYBODY = (*WHO, "bounded") if os.getuid() == 0 else WHO
"""`bounded` is root without the capability that namespaces need, as in most containers: it has its user's own."""

# (folder, whose it is, its mode): parents first
_FOLDERS = (
    ("", "foreign", 0o755),
    ("home", "user", 0o700),
    ("tmp", "user", 0o700),
    ("shared", "foreign", 0o1777),
    ("shared/deep", "foreign", 0o777),
    ("shared/own", "user", 0o755),
    ("grouped", "group", 0o775),
    ("open", "foreign", 0o777),
    ("foreign", "foreign", 0o755),
    ("foreign/mine", "user", 0o755),
    ("foreign/mine/deep", "user", 0o755),
    ("foreign/project", "user", 0o755),
    ("foreign/project/data", "foreign", 0o777),
)


@functools.cache
def ordinary_python() -> tuple[list[str], dict[str, str]] | None:
    """How Python is started as an ordinary user, with this suite's packages: whoever runs it, unless that is root.

    None where no interpreter that others may run has this one's version.
    """
    packages = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    environment = {"PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath, "HOME": "/"}
    if os.getuid():
        return [sys.executable], environment
    found = "import importlib.util as u; import typer; assert u.find_spec('llama_index.core')"
    again = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {found!r}], check=True)"
    for python in (os.path.realpath(sys.executable), f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        command = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", python]
        with contextlib.suppress(OSError):  # setpriv itself may run what the user may not
            if (
                subprocess.run([*command, "-c", again], env=environment, capture_output=True, check=False).returncode
                == 0
            ):
                return command, environment
    return None


def is_in_copies(report: dict[str, Any]) -> bool:
    """Whether a run had no namespaces: it was told to have none, or the kernel gave it none."""
    return any("isolated by copies" in note for note in report["notes"])


def _find_place() -> str:
    """Where the folders are made: best where statecheck has no reason of its own to lay a layer."""
    return next(place for place in ("/srv", "/opt", "/var/tmp") if os.access(place, os.W_OK))


@dataclass
class Machine:
    """Folders of all kinds: the user's own, shared with anybody, another's with something of the user's in it.

    Attributes:
        who: runs statecheck: one of `EVERYBODY`.
        isolation: that it is told to take.
        refused: system calls that the kernel refuses it.
    """

    who: str
    isolation: str = "namespace"
    refused: tuple[str, ...] = ()
    root: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="statecheck-machine-", dir=_find_place())))

    def __post_init__(self) -> None:
        for name, owner, mode in _FOLDERS:
            (self.root / name).mkdir(exist_ok=True)
            self.give(name, owner, mode)

    @property
    def user(self) -> int:
        """The id of the user who runs statecheck."""
        return os.getuid() or (ORDINARY if self.who == "ordinary" else 0)

    @property
    def project(self) -> Path:
        """Where the app lies: a folder of the user's below another's."""
        return self.root / "foreign" / "project"

    def give(self, name: str, owner: str, mode: int) -> None:
        """Say whose something is (`user`, `foreign`, or `group`: another's and of the user's group)."""
        path = self.root / name
        path.chmod(mode)
        if os.getuid() == 0:
            ids = {"user": (self.user, self.user), "foreign": (FOREIGN, FOREIGN), "group": (FOREIGN, self.user)}
            os.chown(path, *ids[owner])

    def diagnose(self, *words: str, **variables: str) -> dict[str, Any]:
        """Run `statecheck diagnose` on the project's `app.py:reply` and read its report.

        Raises:
            RuntimeError: there is none; with what it said instead.
        """
        own = self.who != "ordinary" or os.getuid() != 0
        python = ([sys.executable], dict(os.environ)) if own else ordinary_python()
        if python is None:
            raise RuntimeError("no interpreter that an ordinary user may run has this suite's packages")
        command, environment = python
        if self.who == "bounded":
            command = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", *command]
        if self.refused:
            command = [command[-1], str(ROOT / "tests" / "system_calls.py"), ",".join(self.refused), *command]
        own_folders = {"HOME": str(self.root / "home"), "TMPDIR": str(self.root / "tmp"), "AROUND": str(self.root)}
        done = subprocess.run(
            [*command, "-m", "statecheck", "diagnose", "app.py:reply", "--format", "json", *words],
            cwd=self.project,
            env={**environment, **own_folders, "STATECHECK_ISOLATION": self.isolation, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.stdout:
            raise RuntimeError(done.stderr)
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def output(self) -> str:
        """What the app printed in the last run."""
        return "".join(file.read_text() for file in self.project.glob(".statecheck/runs/latest/output/*.log"))

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """All that can be seen of every file and folder, but for what statecheck keeps for itself in the project."""
        return {str(path): look_at(path) for path in sorted(self.root.rglob("*")) if ".statecheck" not in str(path)}

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.root)


def look_at(path: Path) -> tuple[object, ...]:
    """What can be seen of a file: its kind and mode, owner, links, time, extended attributes, content."""
    status = path.lstat()
    regular = stat.S_ISREG(status.st_mode)
    content = hashlib.sha256(path.read_bytes()).hexdigest() if regular else ""
    attributes = tuple((name, os.getxattr(path, name)) for name in os.listxattr(path)) if regular else ()
    owner = (status.st_mode, status.st_uid, status.st_gid)
    if path.name in ("project", "tmp"):  # statecheck keeps its runs in one, and begins files in the other
        return owner
    return (*owner, status.st_nlink, status.st_size, status.st_mtime_ns, attributes, content)
