"""Small apps, run in the lab as `statecheck diagnose` runs them, and what is left of them afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from statecheck.diagnose import diagnose_in, diagnose_target
from statecheck.history import History, decode_lines
from statecheck.lab.environment.surroundings import surroundings_of
from statecheck.lab.workers.launch import Launched, launch
from statecheck.options.config import Options
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statecheck.model import Diagnosis
    from statecheck.target.resolve import Target

ISOLATIONS = ("namespace", "copy")
# For what hardly depends on it: the fallback is tried by `make acceptance`.
NAMESPACE_FIRST = ("namespace", pytest.param("copy", marks=pytest.mark.acceptance))
_SIGN = "LEFT_BEHIND_BY"


@dataclass
class User:
    """A user's machine in small: a project, a home and a temporary folder, and a sign on every process started."""

    root: Path
    sign: str = field(default_factory=lambda: str(10**12 + secrets.randbelow(10**12)))

    def __post_init__(self) -> None:
        for name in ("project", "home", "tmp"):
            (self.root / name).mkdir()

    @property
    def project(self) -> Path:
        return self.root / "project"

    def write(self, **sources: str) -> None:
        """Write modules of the project."""
        for name, source in sources.items():
            (self.project / f"{name}.py").write_text(textwrap.dedent(source), "utf-8")

    def environment(self, isolation: str) -> dict[str, str]:
        """What statecheck is started with here."""
        return {
            "STATECHECK_ISOLATION": isolation,
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            _SIGN: self.sign,
        }

    def processes(self) -> list[psutil.Process]:
        """The processes that carry this user's sign: in their environment, or in their arguments."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError):
                files = (Path(f"/proc/{process.pid}/{name}") for name in ("environ", "cmdline"))
                if any(self.sign.encode() in file.read_bytes() for file in files):
                    found.append(process)
        return found

    def left(self) -> list[psutil.Process]:
        """The processes that are still there when those that are being killed have had time to go."""
        deadline = time.monotonic() + 5
        while (still := self.processes()) and time.monotonic() < deadline:
            psutil.wait_procs(still, timeout=0.02)  # a zombie waits for its parent and is no process of ours any more
        return still

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """All that can be seen of every file, but for what statecheck keeps for itself."""
        return {path: seen for path, seen in _walk(self.root) if "/.statecheck" not in path}


def _walk(root: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder) / name
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
            changed = 0 if path.name in ("project", "tmp") else status.st_mtime_ns  # runs are kept in the project
            yield str(path.relative_to(root)), (status.st_mode, status.st_uid, status.st_size, changed, content)


@dataclass(frozen=True)
class Ran:
    """One diagnosis and what it recorded."""

    diagnosis: Diagnosis
    folder: Path

    def outcomes(self) -> dict[str, str]:
        return {outcome.name: outcome.outcome for outcome in self.diagnosis.experiments}

    def histories(self) -> dict[str, History]:
        return {
            file.stem: History(file.stem, tuple(decode_lines(file.read_bytes())))
            for file in self.folder.glob("*.jsonl")
        }

    def answers(self, experiment: str) -> list[str]:
        return [op.text for op in self.histories()[experiment].select("turn") if op.type == "ok"]

    def output(self) -> str:
        return "".join(file.read_text("utf-8") for file in sorted(self.folder.glob("output/*.log")))


def diagnosed(user: User, spec: str, isolation: str, options: Options | None = None) -> Ran:
    """Diagnose an app of the user's in this process."""
    return _diagnosed(user, spec, isolation, options or Options(seed=1), diagnose_target)


def diagnosed_in_turn(user: User, spec: str, options: Options | None = None) -> Ran:
    """As `diagnosed`, in the warm parent that served the test before, as `statecheck run` has it.

    Nothing can be said then of what is left afterwards, and no server is lent. An app that refuses its first turn ends
    the warm parent, so it gets one of its own by `diagnosed`.
    """
    return _diagnosed(user, spec, "namespace", options or Options(seed=1), _diagnose_in_turn)


_warm: list[Launched] = []


def _diagnose_in_turn(target: Target, options: Options, progress: Callable[[str], None], home: Path) -> Diagnosis:
    surroundings, options = surroundings_of(target, options)
    if not _warm or _warm[0].stopped or _warm[0].process.poll() is not None:
        _warm[:] = [launch(surroundings)]
    _warm[0].surroundings = surroundings
    return diagnose_in(_warm[0], target, options, progress, home, keep=True)


def _diagnosed(
    user: User,
    spec: str,
    isolation: str,
    options: Options,
    diagnose: Callable[[Target, Options, Callable[[str], None], Path], Diagnosis],
) -> Ran:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in user.environment(isolation).items():
            patch.setenv(name, value)
        patch.setattr("tempfile.tempdir", None)
        patch.chdir(user.project)
        diagnosis = diagnose(resolve(spec, user.project), options, lambda _: None, user.project)
        return Ran(diagnosis, user.project / diagnosis.run)
