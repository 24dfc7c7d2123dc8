"""Where copies of a project stand for disks: the folder that they are in, what they take, and what is left of a crash.

The folder is locked by who uses it, statecheck and its warden. A lock ends with its process, whatever kills that: a
folder that nobody has locked is what two kills left, and is removed at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.probe.project_copies import MOST_FILES, PREFIX, measure
from statecheck.probe.warden import LOCK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_OLD_SECONDS = 2.0  # a folder that is younger may be one whose lock is about to be taken
_WORTH_TELLING, _MOST = 64 << 20, 2 << 30  # bytes
_AT_ONCE = 4  # copies that are there together: two experiments, with two disks each
_MOST_TOLD = 3


@dataclass
class CopiesFolder:
    """A folder for the copies of one run, and the lock on it."""

    path: str
    _lock: int

    @classmethod
    def make(cls) -> CopiesFolder:
        """Make one, which is locked until its `remove` or the end of this process."""
        path = tempfile.mkdtemp(prefix=PREFIX)
        lock = os.open(f"{path}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        return cls(path, lock)

    def remove(self) -> None:
        """Kill what still works in it, and remove it."""
        _remove(self.path)
        os.close(self._lock)


def remove_leftovers() -> int:
    """Remove the folders of runs that were killed together with their warden; return how many."""
    removed = 0
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    removed += _remove_leftover(entry)
    return removed


def _remove_leftover(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    if status.st_uid != os.getuid() or time.time() - status.st_ctime < _OLD_SECONDS:
        return False
    lock = os.open(f"{entry.path}/{LOCK}", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused where somebody has it
        _remove(entry.path)
    finally:
        os.close(lock)
    return True


def _remove(folder: str) -> None:
    """Kill what still works in a run's folder, which daemonised itself where no subreaper adopts it; remove it."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd().startswith(folder) or process.environ().get("TMPDIR", "").startswith(folder):
                process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def check_copies(project: Path) -> list[str]:
    """Return what the report should say of a project's copies.

    Raises:
        StatecheckError: they would be too large.
    """
    found = measure(str(project))
    size = _tell_size(found.size)
    hint = (
        "move large files out of the project, or let TMPDIR name a folder with room; where namespaces can be had "
        "nothing is copied: `statecheck doctor` says what is missing"
    )
    if found.files > MOST_FILES or found.size > _MOST:
        text = f"without namespaces each disk is a copy of `{project}`, which is too large: {found.files} files, {size}"
        raise StatecheckError("project-too-large", text, hint, ExitCode.INCONCLUSIVE)
    room = shutil.disk_usage(tempfile.gettempdir()).free
    if found.size * _AT_ONCE > room:
        text = f"{_AT_ONCE} copies of `{project}` ({size} each) have no room in `{tempfile.gettempdir()}`"
        raise StatecheckError("project-too-large", text, hint, ExitCode.INCONCLUSIVE)
    notes = [f"each disk is a copy of the project: {found.files} files, {size}"] if found.size > _WORTH_TELLING else []
    if found.left_out:
        shown = [f"`{path or '.'}` ({why})" for path, why in sorted(found.left_out.items())]
        more = f" and {len(shown) - _MOST_TOLD} more" if len(shown) > _MOST_TOLD else ""
        notes.append(f"left out of the copies: {', '.join(shown[:_MOST_TOLD])}{more}")
    return notes


def describe_sockets(paths: Iterable[str]) -> list[str]:
    """Say which Unix sockets of this machine can be reached, for the report."""
    found = [path for path in paths if os.access(path, os.W_OK)]
    if not found:
        return []
    more = f" and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    shown = ", ".join(f"`{path}`" for path in found[:_MOST_TOLD])
    return [f"what C code and other programs say to the sockets {shown}{more}"]


def _tell_size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size, 1e5) / 1e6:.1f} MB"
