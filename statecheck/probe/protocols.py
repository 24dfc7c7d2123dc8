"""What clients say to Redis, PostgreSQL and MongoDB, cut into commands: what each asks for, and its bytes.

Read off the bytes that pass a relay, so it does not matter which library sends them, or in which language it is
written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TEXT = 500
"""Characters of a command that are kept."""
_TAIL = 12  # a marker's length: one that is cut by a packet's end is found with the next
_ARGUMENT = re.compile(rb"\$(\d+)\r\n")
_LOGIN = (b"AUTH", b"HELLO", b"CLIENT", b"SELECT", b"PING", b"COMMAND", b"INFO")
_TRIVIAL = ("BEGIN", "COMMIT", "ROLLBACK", "SET ", "SHOW ", "DEALLOCATE", "SAVEPOINT", "RELEASE", "DISCARD", "LISTEN")
_MONGO_HEAD = 16
_MONGO_COMMAND = re.compile(rb".{4}\0.{4}\x02(\w+)\0.{4}([^\0]+)\0", re.DOTALL)  # its first element is a text
PROTOCOL_3 = 3  # the major number that a connection to PostgreSQL begins with


class Commands(Protocol):
    """Cuts one direction of one connection into commands."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The commands that are complete with these bytes: what each asks for, and all bytes of it."""


class AnyCommands:
    """A protocol that nothing is known of: its bytes as they come."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The bytes, with the end of those before."""
        yield "", self._tail + data
        self._tail = data[-_TAIL:]


class RedisCommands:
    """The commands of Redis (RESP arrays of bulk strings) as they go over the wire, but for logins."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Each command; a pipeline is several."""
        self._buffer += data
        while (end := self._end()) > 0:
            command = bytes(self._buffer[:end])
            del self._buffer[:end]
            first = _ARGUMENT.search(command)
            name = command[first.end() : first.end() + int(first[1])].upper() if first else b""
            if name not in _LOGIN:
                yield command[:MOST_TEXT].decode("utf-8", "replace"), command

    def _end(self) -> int:
        """Where the first command ends, or 0 while it is not complete."""
        if not self._buffer.startswith(b"*"):
            return len(self._buffer)
        at = self._buffer.find(b"\r\n") + 2
        if at < 2:
            return 0
        for _ in range(int(self._buffer[1 : at - 2])):
            argument = _ARGUMENT.match(self._buffer, at)
            if argument is None:
                return 0
            at = argument.end() + int(argument[1]) + 2
        return at if at <= len(self._buffer) else 0


class PostgresCommands:
    """The statements that are sent to PostgreSQL, each with its parameters: simple queries, prepared ones, COPY."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._started = False
        self._prepared: dict[bytes, bytes] = {}  # {name: SQL}

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Each statement as one line of SQL, and its bytes with those of its parameters."""
        self._buffer += data
        while True:
            head = 1 if self._started else 0  # what opens a connection has no type
            length = int.from_bytes(self._buffer[head : head + 4], "big")
            if len(self._buffer) < head + 4 or len(self._buffer) < head + length:
                return
            kind, body = bytes(self._buffer[:head]), bytes(self._buffer[head + 4 : head + length])
            del self._buffer[: head + length]
            if self._started:
                yield from self._said(kind, body)
            else:
                self._started = int.from_bytes(body[:2], "big") == PROTOCOL_3

    def _said(self, kind: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
        sql = payload = b""
        if kind == b"Q":
            sql = payload = body.rstrip(b"\0")
        elif kind == b"P":
            name, statement, *_ = body.split(b"\0", 2)
            self._prepared[name] = statement
        elif kind == b"B":
            _, name, parameters = body.split(b"\0", 2)
            sql = self._prepared.get(name, b"")
            payload = sql + b"\0" + parameters
        elif kind == b"d":
            sql, payload = b"COPY", body
        text = " ".join(sql.decode("utf-8", "replace").split())[:MOST_TEXT]
        if payload and not text.upper().startswith(_TRIVIAL):
            yield text, payload


class MongoCommands:
    """The commands of MongoDB (messages that begin with a BSON document), each by its name and its collection."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Each command on a collection, and all bytes of it."""
        self._buffer += data
        while len(self._buffer) >= _MONGO_HEAD and len(self._buffer) >= self._length():
            message = bytes(self._buffer[: self._length()])
            del self._buffer[: len(message)]
            command = _MONGO_COMMAND.match(message, _MONGO_HEAD)
            if command is not None:
                yield f"{command[1].decode()} {command[2].decode('utf-8', 'replace')}", message

    def _length(self) -> int:
        length = int.from_bytes(self._buffer[:4], "little")
        if length < _MONGO_HEAD:
            raise ValueError("no message of MongoDB")
        return length


COMMANDS: dict[str, type[Commands]] = {
    "redis": RedisCommands,
    "postgres": PostgresCommands,
    "mongodb": MongoCommands,
}
"""By the kind of service; any other is `AnyCommands`."""
