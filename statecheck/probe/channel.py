"""Messages between lab and probe: JSON lines over a Unix stream socket, with file descriptors beside them."""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import threading
from collections import deque
from typing import Any

Message = dict[str, Any]  # JSON; each side reads the few keys it knows


# The app may replace functions of json: these are what was found when the probe was loaded.
_encode = json.JSONEncoder().encode
_decode = json.JSONDecoder().decode


MOST_MESSAGE = 8 << 20
"""Bytes of one message. What is longer comes from no side that means well: decoded it may take twenty times as much."""
_MOST_RIGHTS = 16


class Closed(ConnectionError):
    """The other side is gone."""


class Garbled(Closed):
    """What came is no message: somebody else writes on the other side's descriptor. Nothing more can be received."""


def _to_line(message: Message, fds: tuple[int, ...]) -> bytes:
    return _encode({**message, "fds": len(fds)}).encode() + b"\n"


class Channel:
    """One end of a stream socket. Any thread may send; one thread receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self._searched = 0
        self._fds: deque[int] = deque()

    def fileno(self) -> int:
        """The socket's descriptor, for `select`."""
        return self._sock.fileno()

    def send(self, message: Message, fds: tuple[int, ...] = ()) -> None:
        """Send one message, with copies of these descriptors.

        Raises:
            Closed: the other side is gone.
        """
        data = _to_line(message, fds)
        with self._lock:
            self._send(data, fds)

    def offer(self, message: Message) -> bool:
        """Send one message unless another is being sent, be it in this very thread; return whether it was sent.

        Raises:
            Closed: the other side is gone.
        """
        data = _to_line(message, ())
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._send(data, ())
        finally:
            self._lock.release()
        return True

    def _send(self, data: bytes, fds: tuple[int, ...]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            sent = self._sock.sendmsg([data], rights)
            if sent < len(data):
                self._sock.sendall(data[sent:])
        except OSError as error:
            raise Closed(str(error)) from error

    def receive(self, timeout: float | None = None) -> tuple[Message, list[int]]:
        """The next message and its descriptors (the receiver's to close).

        Raises:
            Closed: the other side is gone.
            Garbled: what came is no message.
            TimeoutError: nothing came within `timeout` seconds.
        """
        try:
            self._sock.settimeout(timeout)
        except OSError as error:  # closed by another thread
            raise Closed(str(error)) from error
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > MOST_MESSAGE:
                raise Garbled(f"a message of more than {MOST_MESSAGE >> 20} MiB")
            self._take()
        line, self._searched = bytes(self._buffer[:end]), 0
        del self._buffer[: end + 1]
        try:
            message = _decode(line.decode())
            return message, [self._fds.popleft() for _ in range(message.pop("fds"))]
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise Garbled(f"no message: {line[:60]!r}") from error

    def _take(self) -> None:
        """Receive what comes next.

        Raises:
            Closed, Garbled, TimeoutError: as `receive`.
        """
        try:
            data, ancillary, _, _ = self._sock.recvmsg(1 << 16, socket.CMSG_SPACE(_MOST_RIGHTS * 4))
        except socket.timeout as error:  # noqa: UP041 - not TimeoutError itself on 3.10's recvmsg
            raise TimeoutError(str(error)) from error
        except OSError as error:
            raise Closed(str(error)) from error
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(payload[: len(payload) - len(payload) % received.itemsize])
                for fd in received:
                    os.set_inheritable(fd, False)
                self._fds.extend(received)
        if len(self._fds) > _MOST_RIGHTS:
            while self._fds:
                os.close(self._fds.popleft())
            raise Garbled("descriptors without a message")
        if not data:
            raise Closed("end of stream")
        self._buffer += data

    def leave(self) -> None:
        """Close this process's copy of the socket; other copies stay connected."""
        self._sock.close()

    def close(self) -> None:
        """Close the socket; a thread that receives wakes with `Closed`."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
