"""Copies of a project's folder: what is measured before, how a file is copied at the least cost, what is left out."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_COPIED = frozenset(
    (".git", ".hg", ".svn", ".venv", "venv", "node_modules", ".statecheck", "__pycache__", ".mypy_cache", ".ruff_cache")
)
_FICLONE = 0x40049409  # let two files share their blocks until one is written to (btrfs, XFS, bcachefs)
_KINDS = (
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
MOST_FILES = 200_000
PREFIX = "statecheck-copies-"
"""How the folder of a run's copies is called, wherever it lies: below the project it is not copied itself."""


@dataclass
class Size:
    """What a copy of a folder takes.

    Attributes:
        files: how many, no more than `MOST_FILES` and one.
        size: their bytes.
        left_out: {path below the folder: why it is not copied}.
    """

    files: int = 0
    size: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def measure(folder: str) -> Size:
    """Return what a copy takes; stops where there are too many files."""
    found = Size()
    for entry in _walk(folder, found.left_out, len(folder) + 1):
        if entry.is_file(follow_symlinks=False):
            found.files += 1
            with contextlib.suppress(OSError):
                found.size += entry.stat(follow_symlinks=False).st_size
            if found.files > MOST_FILES:
                break
    return found


def copy_folder(source: str, target: str) -> None:
    """Copy a folder to a new one, but for what `measure` says is left out.

    Raises:
        OSError: the target cannot be written, as on a full disk.
    """
    os.mkdir(target)
    for entry in _walk(source, {}, 0):
        there = target + entry.path[len(source) :]
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), there)
        elif entry.is_dir(follow_symlinks=False):
            os.mkdir(there)
        else:
            copy_file(entry.path, there)
    for folder, _, _ in os.walk(target, topdown=False):  # when nothing more is to be made in them
        with contextlib.suppress(OSError):
            shutil.copystat(source + folder[len(target) :], folder)
            os.chmod(folder, os.stat(folder).st_mode | stat.S_IRWXU)


def copy_file(source: str, target: str) -> None:
    """Copy a file: its blocks are shared where the file system can, or the file itself where nobody may write to it."""
    if _is_fixed(source):
        with contextlib.suppress(OSError):  # of another file system, or the kernel forbids links to others' files
            os.link(source, target)
            return
    try:
        with open(source, "rb") as read, open(target, "wb") as written:
            if not _share_blocks(read.fileno(), written.fileno()):
                shutil.copyfileobj(read, written, 1 << 20)
    except PermissionError:  # it has become unreadable, or Linux says so of what another program holds
        return
    with contextlib.suppress(OSError):
        shutil.copystat(source, target)


def _walk(folder: str, left_out: dict[str, str], skip: int) -> Iterator[os.DirEntry[str]]:
    """Yield all that is copied of a folder, folders before what is in them; note what is not."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        left_out[folder[skip:]] = error.strerror or "unreadable"
        return
    for entry in entries:
        if entry.is_symlink():
            yield entry
        elif entry.is_dir(follow_symlinks=False):
            if entry.name in _NOT_COPIED or entry.name.startswith(PREFIX) or os.path.exists(f"{entry.path}/pyvenv.cfg"):
                continue
            if not os.access(entry.path, os.R_OK | os.X_OK):
                left_out[entry.path[skip:]] = "cannot be read"
                continue
            yield entry
            yield from _walk(entry.path, left_out, skip)
        elif why := _find_why_not(entry):
            left_out[entry.path[skip:]] = why
        else:
            yield entry


def _find_why_not(entry: os.DirEntry[str]) -> str:
    """Why a file is left out, or ""."""
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return "is gone"
    kind = next((f"is {kind}" for test, kind in _KINDS if test(mode)), "")
    return kind or ("" if os.access(entry.path, os.R_OK) else "cannot be read")


def _is_fixed(path: str) -> bool:
    """Whether this user can neither write to a file nor make it writable."""
    return os.getuid() not in (0, os.lstat(path).st_uid) and not os.access(path, os.W_OK)


def _share_blocks(read: int, written: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(written, _FICLONE, read)
    except OSError:
        return False
    return True


def place_file(source: str, target: str) -> None:
    """Make a copy of a file; an empty one where it is not there."""
    if os.path.isfile(source):
        copy_file(source, target)
    else:
        os.close(os.open(target, os.O_CREAT, 0o644))
