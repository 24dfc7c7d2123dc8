"""An app that tries to write to everything around it, in every way that it knows: `writes.py` diagnoses it.

Each way has a file of its own in each folder, `statecheck-<way>.txt`, and a folder, `statecheck-<way>.dir`; what comes
of it is printed.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable

from elsewhere import in_a_child, in_a_thread, raise_last_error

Way = Callable[[str, str, str], object]
"""Given a file, a folder beside it, and a name beside them that is not there yet."""

_libc = ctypes.CDLL(None, use_errno=True)
_EXCHANGE, _AT_FDCWD = 2, -100
said: list[str] = []


def _write(path: str, mode: str = "w") -> None:
    with open(path, mode) as file:
        file.write("written by the app")


def _write_linked(link: Callable[[str, str], None], file: str, new: str) -> None:
    link(file, new)
    _write(new)


def _replace(file: str, new: str) -> None:
    _write(new)
    os.replace(new, file)


def _program(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _shell(command: str, path: str) -> None:
    _program("/bin/sh", "-c", command, "sh", path)


def _low(path: str, flags: int, data: bytes = b"low") -> None:
    descriptor = os.open(path, flags, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _map(path: str) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:4] = b"mapp"


def _reopen(path: str) -> None:
    """Through `/proc`: a descriptor for reading is opened again for writing."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _write(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _beneath(folder: str, work: Callable[[int], object]) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        work(descriptor)
    finally:
        os.close(descriptor)


def _nameless(folder: str, new: str) -> None:
    descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o644)
    try:
        os.link(f"/proc/self/fd/{descriptor}", new, src_dir_fd=_AT_FDCWD)
    finally:
        os.close(descriptor)


def _copied(path: str, copy: Callable[[int, int], object]) -> None:
    with open(__file__, "rb") as source, open(path, "r+b") as target:
        copy(source.fileno(), target.fileno())


def _database(path: str) -> None:
    db = sqlite3.connect(path)
    with db:
        db.execute("create table if not exists said (text)")
        db.execute("insert into said values ('x')")
    db.close()


def _logged_database(path: str) -> None:
    db = sqlite3.connect(path)
    db.execute("pragma journal_mode = wal")
    with db:
        db.execute("create table said (text)")
    db.close()


def _bind(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


def _in_c(path: str) -> None:
    """Past Python, as an extension does."""
    descriptor = _libc.open(os.fsencode(path), os.O_WRONLY | os.O_APPEND)
    if descriptor < 0:
        raise_last_error()
    _libc.write(descriptor, b"in C", 4)
    _libc.close(descriptor)


def _exchange(path: str, new: str) -> None:
    _write(new)
    if _libc.renameat2(_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(new), _EXCHANGE):
        raise_last_error()


def _python(code: str, path: str) -> None:
    _program(sys.executable, "-I", "-S", "-c", code, path)


WAYS: dict[str, Way] = {
    "create": lambda _file, _folder, new: _write(new),
    "create-exclusively": lambda _file, _folder, new: _write(new, "x"),
    "create-in-a-folder": lambda _file, folder, _new: _write(f"{folder}/new"),
    "overwrite": lambda file, _folder, _new: _write(file),
    "append": lambda file, _folder, _new: _write(file, "a"),
    "update": lambda file, _folder, _new: _write(file, "r+"),
    "write-through": lambda file, _folder, _new: _low(file, os.O_WRONLY | os.O_SYNC),
    "truncate": lambda file, _folder, _new: os.truncate(file, 1),
    "truncate-on-open": lambda file, _folder, _new: _low(file, os.O_WRONLY | os.O_TRUNC),
    "rename": lambda file, _folder, new: os.rename(file, new),
    "replace": lambda file, _folder, new: _replace(file, new),
    "exchange": lambda file, _folder, new: _exchange(file, new),
    "rename-a-folder": lambda _file, folder, new: os.rename(folder, new),
    "move": lambda file, _folder, new: shutil.move(file, new),
    "unlink": lambda file, _folder, _new: os.unlink(file),
    "remove-a-folder": lambda _file, folder, _new: os.rmdir(folder),
    "remove-a-tree": lambda _file, folder, _new: shutil.rmtree(folder),
    "make-a-folder": lambda _file, _folder, new: os.mkdir(new),
    "make-folders": lambda _file, _folder, new: os.makedirs(f"{new}/a/b"),
    "hard-link": lambda file, _folder, new: os.link(file, new),
    "hard-link-and-write": lambda file, _folder, new: _write_linked(os.link, file, new),
    "symlink": lambda file, _folder, new: os.symlink(file, new),
    "symlink-and-write": lambda file, _folder, new: _write_linked(os.symlink, file, new),
    "chmod": lambda file, _folder, _new: os.chmod(file, 0o640),
    "chmod-a-folder": lambda _file, folder, _new: os.chmod(folder, 0o750),
    "chown": lambda file, _folder, _new: os.chown(file, os.getuid(), os.getgid()),
    "utime": lambda file, _folder, _new: os.utime(file, (1, 1)),
    "set-an-attribute": lambda file, _folder, _new: os.setxattr(file, "user.app", b"x"),
    "make-a-fifo": lambda _file, _folder, new: os.mkfifo(new),
    "bind-a-socket": lambda _file, _folder, new: _bind(new),
    "new-database": lambda _file, _folder, new: _database(new),
    "logged-database": lambda _file, _folder, new: _logged_database(new),
    "database-in-a-folder": lambda _file, folder, _new: _database(f"{folder}/chat.db"),
    "map": lambda file, _folder, _new: _map(file),
    "reopen": lambda file, _folder, _new: _reopen(file),
    "relative-to-a-descriptor": lambda _file, folder, _new: _beneath(folder, lambda fd: os.mkdir("made", dir_fd=fd)),
    "chmod-a-descriptor": lambda _file, folder, _new: _beneath(folder, lambda fd: os.fchmod(fd, 0o711)),
    "nameless": lambda _file, folder, new: _nameless(folder, new),
    "allocate": lambda file, _folder, _new: _copied(file, lambda _, to: os.posix_fallocate(to, 0, 100)),
    "send-a-file": lambda file, _folder, _new: _copied(file, lambda source, to: os.sendfile(to, source, 0, 10)),
    "copy-a-range": lambda file, _folder, _new: _copied(file, lambda source, to: os.copy_file_range(source, to, 10)),
    "copy-onto": lambda file, _folder, _new: shutil.copyfile(__file__, file),
    "in-a-child": lambda file, _folder, _new: in_a_child(lambda: _write(file)),
    "in-a-thread": lambda file, _folder, _new: in_a_thread(lambda: _write(file)),
    "in-c": lambda file, _folder, _new: _in_c(file),
    "shell": lambda file, _folder, _new: _shell('echo x >> "$1"', file),
    "shell-remove": lambda file, _folder, _new: _shell('rm -f "$1"', file),
    "shell-move": lambda file, _folder, _new: _shell('mv "$1" "$1.moved"', file),
    "dd": lambda file, _folder, _new: _program("dd", "if=/dev/zero", f"of={file}", "count=1"),
    "another-python": lambda file, _folder, _new: _python("import sys; open(sys.argv[1], 'w').write('x')", file),
}


def attempt(way: str, folder: str) -> str:
    """Try one way in one folder; return "done", or why not."""
    try:
        WAYS[way](*(f"{folder}/statecheck-{way}.{kind}" for kind in ("txt", "dir", "new")))
    except subprocess.CalledProcessError as error:
        return error.stderr.decode("utf-8", "replace").strip().rpartition(": ")[2] or str(error)
    except Exception as error:  # whatever a way runs into
        return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
    return "done"


def reply(session_id: str, text: str) -> str:
    """Answer a turn; in the first of a process all is tried."""
    earlier = list(said)
    said.append(text)
    if not earlier and os.environ.get("FOLDERS"):
        for name, (folder, ways) in json.loads(os.environ["FOLDERS"]).items():
            for way in ways:
                print("TRIED", json.dumps([name, way, attempt(way, folder)]), flush=True)
    return str(earlier)
