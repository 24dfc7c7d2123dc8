"""Kept runs: `<project>/.statecheck/runs/<utc time>-<pid>/`, each complete once its `run.json` is there.

What a run holds is the user's data (message texts among it); git and backups are told to leave it out.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError, explain_system_error
from statecheck.kept import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEPT = 20
"""Complete runs that stay; older ones are removed."""

META, LATEST = "run.json", "latest"
_PROTECTED = ".protected"
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-(\d+)")
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ELSEWHERE = "statecheck-"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by statecheck; `statecheck clean` removes this folder.\n"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run while it is written.

    Attributes:
        name: how reports call it: relative to the project when that is the working directory, else its whole path.
        note: what the user should be told about where it is, or "".
    """

    path: Path
    name: str
    note: str = ""

    def write(self, name: str, data: bytes) -> None:
        """Write one file; its name may have folders in it.

        Raises:
            StatecheckError: the disk is full; the folder is gone then.
        """
        with self._whole():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def finish(self, meta: Mapping[str, object]) -> None:
        """Write `run.json`, which makes the run complete; then point `latest` at it and remove the oldest runs."""
        with self._whole():
            replace_file(self.path / META, json.dumps(meta, indent=2).encode() + b"\n")
        runs = self.path.parent
        with contextlib.suppress(OSError):
            link = runs / f".{LATEST}-{os.getpid()}"
            link.unlink(missing_ok=True)
            link.symlink_to(self.path.name)
            link.replace(runs / LATEST)
        for old in _find_superfluous(runs):
            shutil.rmtree(old, ignore_errors=True)

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """Keep a run that could not be written whole not at all."""
        try:
            with _room(self.path):
                yield
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise


def begin(project: Path, now: datetime | None = None) -> RunFolder:
    """Make the folder of a new run; where the project cannot be written to, in a temporary folder.

    Raises:
        StatecheckError: `.statecheck` is something else, or the disk is full.
    """
    runs = _runs(project)
    moment = now or datetime.now(timezone.utc)
    name = f"{moment:%Y%m%dT%H%M%S.%f}Z-{os.getpid()}"
    with _room(runs):
        try:
            prepare(runs.parent)
            runs.mkdir(exist_ok=True)
            _prune(runs)
            (runs / name).mkdir()
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            path = _temporary() / name
            path.mkdir()
            return RunFolder(path, str(path), f"`{project}` cannot be written to, so the run is kept in `{path}`")
    here = project == Path.cwd()  # a name that does not lead there from here would be no help
    return RunFolder(runs / name, f"{FOLDER}/runs/{name}" if here else str(runs / name))


def _temporary() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=_ELSEWHERE))
    except FileNotFoundError as error:  # what tempfile raises when it can write nowhere
        raise StatecheckError(
            "no-folder-for-run",
            "neither the project nor a temporary folder can be written to, so the run cannot be kept",
            "set TMPDIR to a folder that can",
            ExitCode.INTERNAL,
        ) from error


def prepare(folder: Path) -> None:
    """Make the folder in which everything is kept, marked so that git and backups leave it out.

    Raises:
        OSError: it cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
        if not (folder / file).exists():
            (folder / file).write_text(text)


def is_elsewhere(run: str) -> bool:
    """Whether a run had to be kept in a temporary folder, because its project cannot be written to."""
    return Path(run).parent.name.startswith(_ELSEWHERE)


def find(spec: str | None, project: Path) -> Path:
    """Return the folder of a kept run: by its path, its name or the beginning of it; the newest for `latest` and None.

    Raises:
        StatecheckError: there is no such run, or several begin so.
    """
    complete = _complete(_runs(project))
    if spec in (None, LATEST):
        if complete:
            return complete[0]
        raise StatecheckError(
            "no-run", f"no run is kept below `{project}`", "make one: statecheck diagnose app.py", ExitCode.NOTHING
        )
    assert spec is not None
    path = Path(spec)
    path = path.parent if path.name == META else path
    if (path / META).is_file():
        return path
    named = [run for run in complete if run.name.startswith(path.name)] if path.name == spec and spec else []
    if len(named) == 1:
        return named[0]
    if named:
        raise StatecheckError("ambiguous-run", f"{len(named)} runs begin with `{spec}`", f"newest: {named[0].name}")
    newest = f"newest: {complete[0].name}" if complete else "no run is kept here; statecheck diagnose makes one"
    raise StatecheckError("missing-run", f"`{spec}` is no kept run", newest)


def protect(project: Path, run: str) -> None:
    """Keep a run longer than the others: the newest that are protected stay beside the newest of all.

    Args:
        project: below which it is kept.
        run: its name, as reports call it; "" for none.
    """
    folder = project / run if run else None
    if folder is not None and (folder / META).is_file():
        with contextlib.suppress(OSError):
            (folder / _PROTECTED).touch()


def logs(run: Path) -> Iterator[tuple[str, str]]:
    """Return the target's own output that a run kept (`*.log`), by name."""
    for file in sorted(run.rglob("*.log"), key=lambda file: (file.parent, len(file.name), file.name)):  # 2 before 10
        yield file.relative_to(run).as_posix(), file.read_text("utf-8", "replace")


def clean(project: Path) -> int:
    """Remove all kept runs of a project but those being written; the number removed."""
    runs = _runs(project)
    gone = 0
    for run in _folders(runs):
        if (run / META).exists() or not _alive(run):
            shutil.rmtree(run, ignore_errors=True)
            gone += 1
    (runs / LATEST).unlink(missing_ok=True)
    if runs.is_dir() and not any(runs.iterdir()):
        shutil.rmtree(runs.parent, ignore_errors=True)
    return gone


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside it first, then in its place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _room(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EFBIG and (refused := explain_system_error(error)):
            raise refused from error
        if error.errno not in _FULL:
            raise
        text = f"no space is left to write `{path}`"
        raise StatecheckError("disk-full", text, "free some space and try again", ExitCode.INTERNAL) from error


def _runs(project: Path) -> Path:
    """Return the folder of a project's runs. A link is not followed: its end may be anybody's."""
    runs = project / FOLDER / "runs"
    for path in (runs.parent, runs):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            what = "a symbolic link" if path.is_symlink() else "not a folder"
            raise StatecheckError(
                "store-blocked", f"`{path}` is {what}", "remove or rename it; statecheck keeps its runs there"
            )
    return runs


def _folders(runs: Path) -> list[Path]:
    """Return the folders of runs, newest first."""
    try:
        found = [path for path in runs.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
    except OSError:
        return []
    return sorted((path for path in found if not path.is_symlink()), key=lambda path: path.name, reverse=True)


def _complete(runs: Path) -> list[Path]:
    return [path for path in _folders(runs) if (path / META).is_file()]


def _find_superfluous(runs: Path) -> list[Path]:
    complete = _complete(runs)
    protected = [run for run in complete if (run / _PROTECTED).exists()]
    kept = {*complete[:KEPT], *protected[:KEPT]}
    return [run for run in complete if run not in kept]


def _prune(runs: Path) -> None:
    """Remove what a killed statecheck left."""
    for path in _folders(runs):
        if not (path / META).exists() and not _alive(path):
            shutil.rmtree(path, ignore_errors=True)


def _alive(run: Path) -> bool:
    """Whether the process that writes a run still lives."""
    match = _NAME.fullmatch(run.name)
    try:
        os.kill(int(match[1]) if match else 0, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
