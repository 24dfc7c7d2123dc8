"""What the app does to the system: files it opens, removes and writes, databases, programs, addresses.

Audit hooks see what Python code asks for, with the user's frame; what C code does on its own is stopped by the
namespace but not named. Bytes sent to another server are searched for markers, whatever client library sends them.
"""

from __future__ import annotations

import asyncio
import asyncio.selector_events
import functools
import os
import pathlib
import re
import socket
import sys
from typing import TYPE_CHECKING, Any

from . import absent_indexes, file_holds
from .guard import check, check_address
from .markers import read_markers, words_around
from .recorder import RECORDER, TOOL, TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .ops import OpAction

_WRITES = os.O_WRONLY | os.O_RDWR
_MOST_SENT = 400
_STANDARD = os.path.dirname(os.__file__) + "/"
_EFFECTS: dict[str, OpAction] = {
    "subprocess.Popen": "run",
    "os.system": "run",
    "os.remove": "delete",
    "os.rmdir": "delete",
    "shutil.rmtree": "delete",
    "os.rename": "rename",
}
_PACKAGED = ("/site-packages/", "/dist-packages/")
_LISTS = ("os.listdir", "os.scandir")
_CODE = (".py", ".pyc", ".so", ".pth", ".ipynb")
_LOGIN = re.compile(rb"\*\d+\r\n\$\d+\r\n(AUTH|HELLO|CLIENT|SELECT)\r\n", re.IGNORECASE)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = args
        if isinstance(flags, int) and flags & _WRITES and isinstance(path, (str, bytes, os.PathLike)):
            _record_file(os.fsdecode(path), "write")
        elif TURN.get() and isinstance(path, (str, bytes, os.PathLike)):
            name = os.fsdecode(path)
            if not name.endswith(_CODE):
                _record_file(name, "read")
    elif event in _LISTS and TURN.get() and isinstance(args[0], (str, bytes, os.PathLike)):
        _record_file(os.fsdecode(args[0]), "read")
    elif event == "sqlite3.connect":
        _record_file(os.fsdecode(args[0]), "database")  # Python 3.10 tells a path as bytes
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        check_address(args[1])
    elif event == "socket.getaddrinfo":
        check(*args[:2])
    elif event in _EFFECTS:
        _record_effect(event, args)


def _record_file(path: str, action: OpAction) -> None:
    if RECORDER.fd < 0 or path.startswith(("/dev/", "/proc/")):
        return
    if path in ("", ":memory:"):
        if action == "database" and RECORDER.frames(3):
            RECORDER.emit("file", action=action, where=":memory:", frames=RECORDER.frames(3))
        return
    absolute = os.path.abspath(path)
    if action in ("read", "miss") and any(part in absolute for part in _PACKAGED):
        return  # a library looks into its own data, of which boto3 has thousands of files
    if SANDBOX and action not in ("read", "miss") and not absolute.startswith(SANDBOX):
        RECORDER.emit("escaped", where=absolute, frames=RECORDER.frames(3))
    elif TURN.get() or action == "database":
        frames = RECORDER.frames(3)
        if frames:
            RECORDER.emit("file", action=action, where=absolute, frames=frames, tool=TOOL.get())


def _watch_missing() -> None:
    """Record what a turn looks for and does not find: `Path.exists` and its like are no events of an audit."""
    ask = os.stat

    @functools.wraps(ask)
    def stat(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        try:
            return ask(path, *args, **kwargs)
        except FileNotFoundError:
            if isinstance(path, (str, bytes, os.PathLike)):
                if TURN.get():
                    _record_file(os.fsdecode(path), "miss")
                    file_holds.note_missing(path)
                else:
                    absent_indexes.note_missed(os.fsdecode(path))
            raise

    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        able.add(stat)
    os.stat = stat
    accessor: Any = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10's paths have taken it from `os` before
    if accessor is not None:
        accessor.stat = staticmethod(stat)


def _record_effect(event: str, args: tuple[Any, ...]) -> None:
    """Record what a turn does that cannot be undone: a tool, whoever does it for it, or else the user's own code."""
    frames = RECORDER.frames(3) if TURN.get() else ()
    if frames and (TOOL.get() or _is_own(sys._getframe(2))):  # noqa: SLF001 - as the recorder does
        what = args[1] if event == "subprocess.Popen" else args[0]
        words = what if isinstance(what, (list, tuple)) else [what]
        said = " ".join(os.fsdecode(word) if isinstance(word, (bytes, os.PathLike)) else str(word) for word in words)
        action = _EFFECTS[event]
        text, where = (said[:_MOST_SENT], "") if action == "run" else ("", said[:_MOST_SENT])
        RECORDER.emit("effect", action=action, text=text, where=where, frames=frames, tool=TOOL.get())


def _is_own(frame: FrameType | None) -> bool:
    """Whether the user's code does what this frame does, itself or by the standard library."""
    while frame is not None and _is_standard(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and bool(RECORDER.relative(frame.f_code.co_filename))


def _is_standard(file: str) -> bool:
    return file.startswith(("<frozen", _STANDARD)) and "-packages/" not in file


def _record_sent(data: Any, peer: Any, own: Any) -> None:
    """Record bytes that a turn sends to a server (not what this worker answers its own clients).

    Of what holds no marker only commands of the user's are kept, and never one that logs in.
    """
    if not TURN.get() or RECORDER.fd < 0 or not isinstance(own, tuple):
        return
    if own[1] in LISTENING or (isinstance(peer, tuple) and peer[1] in LISTENING):
        return
    payload = bytes(data)
    markers = read_markers(payload)
    frames = RECORDER.frames(4) or RECORDER.awaiting()
    if not markers and (not frames or _LOGIN.match(payload)):
        return
    RECORDER.emit(
        "wire",
        action="write" if markers else "send",
        where=f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else str(peer),
        markers=markers,
        text=payload[:_MOST_SENT].decode("utf-8", "replace") if payload.startswith(b"*") else "",
        frames=frames,
        around=words_around(payload.decode("utf-8", "replace")) if markers else "",
    )


LISTENING: set[int] = set()
"""Ports that this worker serves on."""


PROVIDED: frozenset[str] = frozenset()
"""Ports at which a throwaway server stands in for one on whatever host the app names."""

SANDBOX: tuple[str, ...] = ()
"""Where writes belong to the disk of this worker, where that is a copy; empty where layers catch them all."""


_writing = False  # a transport sends through its socket: what it sends is shown once


def _show(sock: socket.socket, data: Any) -> None:
    if TURN.get() and not _writing and sock.family in (socket.AF_INET, socket.AF_INET6):
        try:
            _record_sent(data, sock.getpeername(), sock.getsockname())
        except OSError:
            return


def _find_stand_in(host: Any, port: Any) -> Any:
    """The host to go to instead of this one."""
    return "127.0.0.1" if host and str(port) in PROVIDED else host


def _stand_in_address(address: Any) -> Any:
    return (_find_stand_in(*address[:2]), *address[1:]) if isinstance(address, tuple) and len(address) > 1 else address


def _watch_names() -> None:
    """Send names of provided servers to these, and refuse others where a task asks for them.

    An event loop resolves them in a thread, which knows no task.
    """
    resolve, resolve_later = socket.getaddrinfo, asyncio.BaseEventLoop.getaddrinfo

    @functools.wraps(resolve)
    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        return resolve(_find_stand_in(host, port), port, *args, **kwargs)

    @functools.wraps(resolve_later)
    async def getaddrinfo_later(self: Any, host: Any, port: Any, **kwargs: Any) -> Any:
        check(_find_stand_in(host, port), port)
        return await resolve_later(self, host, port, **kwargs)

    socket.getaddrinfo = getaddrinfo
    asyncio.BaseEventLoop.getaddrinfo = getaddrinfo_later  # type: ignore[method-assign]


def _watch_sockets() -> None:
    class Watched(socket.socket):
        """A socket that shows what it sends."""

        def connect(self, address: Any) -> None:
            super().connect(_stand_in_address(address))

        def connect_ex(self, address: Any) -> int:
            return super().connect_ex(_stand_in_address(address))

        def send(self, data: Any, *args: Any) -> int:
            _show(self, data)
            return super().send(data, *args)

        def sendall(self, data: Any, *args: Any) -> None:
            _show(self, data)
            super().sendall(data, *args)

        def sendmsg(self, buffers: Any, *args: Any) -> int:
            parts = list(buffers)
            _show(self, b"".join(parts))
            return super().sendmsg(parts, *args)

    socket.socket = Watched  # type: ignore[misc]


def _watch_transports() -> None:
    """Asyncio's own: `writelines` has not gone through `write` since 3.12."""
    transport = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # noqa: SLF001
    if "writelines" in vars(transport):
        transport.writelines = _show_written(transport.writelines, list, b"".join)
    transport.write = _show_written(transport.write, bytes, bytes)


def _show_written(write: Callable[[Any, Any], None], keep: Callable[[Any], Any], joined: Callable[[Any], bytes]) -> Any:
    def shown(self: Any, data: Any) -> None:
        global _writing  # noqa: PLW0603 - the loop's own thread alone writes
        data = keep(data)
        if TURN.get() and data:
            _record_sent(joined(data), self.get_extra_info("peername"), self.get_extra_info("sockname"))
        _writing = True
        try:
            write(self, data)
        finally:
            _writing = False

    return shown


def install(sandbox: tuple[str, ...] = (), provided: tuple[int, ...] = ()) -> None:
    """Start watching; once a process, in the worker (an audit hook cannot be taken back).

    Args:
        sandbox: folders with a trailing slash; a write outside them is recorded as `escaped`.
        provided: ports of throwaway servers.
    """
    global SANDBOX, PROVIDED
    SANDBOX, PROVIDED = sandbox, frozenset(map(str, provided))
    sys.addaudithook(_audit)
    file_holds.install()
    _watch_missing()
    _watch_names()
    _watch_sockets()
    _watch_transports()
