"""Refuses what Python code would change outside the copies that stand for disks, where no rule of the kernel's does."""

from __future__ import annotations

import errno
import functools
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from .project_copies import PREFIX
from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OWN_CHANGES = {"os.chmod": 2, "os.chown": 3, "os.utime": 3, "os.setxattr": None, "os.removexattr": None}
"""{what no rule of Landlock's forbids: which argument is the descriptor that its path is relative to}."""
_NAMES = {
    "os.mkdir": ((0, 2, False),),
    "os.remove": ((0, 1, True),),
    "os.rmdir": ((0, 1, True),),
    "os.rename": ((0, 2, True), (1, 3, None)),
    "os.link": ((0, 2, True), (1, 3, False)),
    "os.symlink": ((1, 2, False),),
}
"""{what makes, moves or removes a name: of each path its argument, that of the descriptor that it is relative to, and
whether it has to be there already for anything to be done}."""
_DEVICES = ("/dev/", "/proc/")

_folders: tuple[str, ...] = ()
_alone = False
_hooked = False


def install(folders: Iterable[str], *, alone: bool) -> None:
    """Refuse changes outside these folders from now on, in this process and what it forks.

    Args:
        folders: of copies; all copies of their run, to which the volumes in them lead, are inside.
        alone: no rule of the kernel's forbids writes, so that these are refused here too.
    """
    global _folders, _alone, _hooked  # noqa: PLW0603 - an audit hook has no object of its own
    _folders = tuple(f"{_find_run(os.path.realpath(folder))}/" for folder in folders)
    _alone = alone
    if not _hooked:
        _hooked = True
        sys.addaudithook(_audit)
    if alone:
        _watch_silent()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event in _OWN_CHANGES:
        base = _OWN_CHANGES[event]
        _check(args[0], -1 if base is None else args[base])
    elif _alone:
        _check_write(event, args)


def _check_write(event: str, args: tuple[Any, ...]) -> None:
    """Refuse what Landlock refuses where there is one."""
    if event in _NAMES:
        for number, base, there in _NAMES[event]:
            _check_name(args[number], args[base], there)
    elif event == "open":
        if isinstance(args[2], int) and args[2] & _WRITES and not isinstance(args[0], int):
            _check(args[0], -1)
    elif event == "os.truncate":
        _check(args[0], -1)
    elif event == "sqlite3.connect":
        for path in _list_written(os.fsdecode(args[0])):
            _check(path, -1)
    elif event == "socket.bind" and isinstance(args[1], (str, bytes)) and os.fsdecode(args[1])[:1] not in ("", "\0"):
        _check_name(args[1], -1, there=False)


def _watch_silent() -> None:
    """Check what no audit hook is told of: names that are made by these, and what a path to open is relative to."""
    for name in ("mkfifo", "mknod", "open"):
        function = getattr(os, name)
        if hasattr(function, "__wrapped__"):
            continue

        @functools.wraps(function)
        def checked(
            path: Any, *args: Any, dir_fd: int | None = None, function: Any = function, name: str = name, **more: Any
        ) -> Any:
            base = -1 if dir_fd is None else dir_fd
            if name != "open":
                _check_name(path, base, there=False)
            elif base >= 0 and (more.get("flags", args[0] if args else 0) & _WRITES):
                _check(path, base)
            return function(path, *args, dir_fd=dir_fd, **more)

        os.supports_dir_fd.add(checked)
        setattr(os, name, checked)


def _list_written(database: str) -> Iterator[str]:
    """Yield the file that a database is written to: none if it is in memory, or is only read."""
    if not database.startswith("file:"):
        yield from [database] if database not in ("", ":memory:") else ()
        return
    parts = urlsplit(database)
    asked = parse_qs(parts.query)
    if parts.path != ":memory:" and asked.get("mode", [""])[-1] not in ("ro", "memory") and "immutable" not in asked:
        yield unquote(parts.path)


def _check(path: Any, base: Any) -> None:
    """Refuse to change what a path leads to, or a descriptor: by links too, one in a copy may lead out of it."""
    if isinstance(path, (int, str, bytes, os.PathLike)):
        place = _name_descriptor(path if isinstance(path, int) else base)
        _refuse_outside(os.path.realpath(place if isinstance(path, int) else os.path.join(place, os.fsdecode(path))))


def _check_name(path: Any, base: Any, there: bool | None) -> None:
    """Refuse to make, move or remove a name, not what it may lead to; where nothing can be done, the system says so."""
    if isinstance(path, (str, bytes, os.PathLike)):
        named = os.path.join(_name_descriptor(base), os.fsdecode(path)).rstrip("/")
        if there is None or os.path.lexists(named) is there:
            _refuse_outside(os.path.join(os.path.realpath(os.path.dirname(named)), os.path.basename(named)))


def _refuse_outside(place: str) -> None:
    if _folders and os.path.lexists(os.path.dirname(place)) and not f"{place}/".startswith((*_folders, *_DEVICES)):
        RECORDER.emit("escaped", where=place, frames=RECORDER.frames(3))
        raise PermissionError(errno.EACCES, "statecheck lets nothing be changed outside the copy", place)


def _find_run(disk: str) -> str:
    """The folder of all copies of the run, of which this disk is one; else the disk itself."""
    above, part, below = disk.rpartition(f"/{PREFIX}")
    return above + part + below.partition("/")[0] if part else disk


def _name_descriptor(descriptor: int) -> str:
    """The path of what a descriptor is open on, "" where it has none, as a pipe."""
    try:
        named = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # no descriptor, or a system that does not tell
        return ""
    return named if named.startswith("/") and not named.startswith("/memfd:") else ""
