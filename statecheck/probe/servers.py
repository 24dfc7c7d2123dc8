"""Throwaway servers of a run: one process starts them beside the app, relays to them, and ends with the run.

A server listens on a Unix socket in the run's own folder, so that no port of the machine is used but those on which
the app looks for it, and nothing of it is left when the run is gone.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import socket
import struct
import subprocess
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from .protocols import PROTOCOL_3
from .recorder import RECORDER
from .relay import Relay

if TYPE_CHECKING:
    from .channel import Message
    from .ops import OpAction

_READY = b"eady to accept connections"  # all servers say so
_ENCRYPT = (80877103, 80877104)  # SSLRequest, GSSENCRequest
_OWNER = "postgres"
_LOGIN = re.compile(
    rb"(\*3\r\n|\*\d+\r\n\$5\r\nHELLO\r\n\$1\r\n\d\r\n)(\$4\r\nAUTH\r\n)\$\d+\r\n[^\r]*\r\n", re.IGNORECASE
)
_PASSWORD = re.compile(rb"\*2\r\n(\$4\r\nAUTH\r\n)", re.IGNORECASE)


def run(services: list[Message], listeners: list[list[socket.socket]], folder: str, ops: int) -> None:
    """Start these servers and relay to them until killed.

    Args:
        services: of each its `kind`, `prepare` (commands that end), `start` (the server's command), `socket`, and
            `scripts` that make the tables of a new database.
        listeners: the sockets on which the app finds each.
        folder: of the run, new and empty; all paths in commands are relative to it.
        ops: the descriptor to record to.
    """
    RECORDER.open(ops, ())
    os.chdir(folder)
    for service, sockets in zip(services, listeners, strict=True):
        server = _KINDS[service["kind"]](service)
        for listener in sockets:
            Relay(listener, server.reach, service["kind"], _record_seen).start()
        threading.Thread(target=server.start, daemon=True).start()
    threading.Event().wait()


def _record_seen(action: OpAction, where: str, markers: list[str], text: str, words: str) -> None:
    RECORDER.emit("wire", action=action, where=where, markers=markers, text=text, around=words)


class Server:
    """One server: clients wait in `reach` until it is ready."""

    def __init__(self, service: Message) -> None:
        self.service = service
        self.failed = ""
        self._ready = threading.Event()

    def start(self) -> None:
        """Run it until it ends; what ends it is recorded."""
        said: deque[str] = deque(maxlen=20)
        try:
            prefix, user = self.unprivileged_start()
            for command in self.service["prepare"]:
                self._run([*prefix, *command], user, said)
            self._run([*prefix, *self.service["start"]], user, said)
        except OSError as error:
            said.append(str(error))
        self.failed = next(filter(None, reversed(said)), "it ended")
        RECORDER.emit("service", "fail", service=self.service["kind"], error=" | ".join(said)[-2000:])
        self._ready.set()

    def unprivileged_start(self) -> tuple[list[str], dict[str, Any]]:
        """A prefix and `Popen` options that make it run as another user where it must not be root."""
        return [], {}

    def set_up(self) -> None:
        """It is ready: what is to be done before any client."""

    def _run(self, command: list[str], user: dict[str, Any], said: deque[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, "LC_ALL": "C"},
            **user,
        )
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.decode("utf-8", "replace").strip())
            if _READY in line and not self._ready.is_set():
                self.set_up()
                self._ready.set()
        if process.wait():
            raise ChildProcessError(said[-1] if said else f"{command[0]} ended with status {process.returncode}")
        said.clear()

    def connect(self) -> socket.socket:
        """A connection to it, once it is ready.

        Raises:
            OSError: it is not there.
        """
        self._ready.wait()
        if self.failed:
            raise ConnectionRefusedError(self.failed)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.service["socket"])
        return sock

    def reach(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        """As `Relay.reach`."""
        raise NotImplementedError


class Redis(Server):
    """Redis or Valkey. Any password will do: the app's own is not known here, and must not be."""

    def reach(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        """Let whoever logs in log in as the default user, who has no password."""
        outside = self.connect()
        first = client.recv(1 << 16)
        first = _LOGIN.sub(rb"\g<1>\g<2>$7\r\ndefault\r\n", first)
        return outside, _PASSWORD.sub(rb"*3\r\n\g<1>$7\r\ndefault\r\n", first)


class Mongo(Server):
    """MongoDB: whoever comes is let in."""

    def reach(self, client: socket.socket) -> tuple[socket.socket, bytes]:  # noqa: ARG002 - nothing is asked of it
        """Connect; a database is made when something is put there."""
        return self.connect(), b""


class Postgres(Server):
    """PostgreSQL, with whatever roles and databases its clients ask for."""

    def __init__(self, service: Message) -> None:
        super().__init__(service)
        self._lock = threading.Lock()
        self._roles = {_OWNER}
        self._databases: set[str] = set()

    def unprivileged_start(self) -> tuple[list[str], dict[str, Any]]:
        """It refuses to run as root, or as a user without a name: let it take itself for another, or be another."""
        users = {each.pw_uid: each.pw_gid for each in pwd.getpwall()}
        if os.geteuid() and os.geteuid() in users:
            return [], {}
        user = next((uid for uid in sorted(users, reverse=True) if uid), 65534)  # `nobody`, mostly
        taking = ["unshare", "--user", f"--map-user={user}", f"--map-group={users.get(user, user)}", "--"]
        if _succeeds([*taking, "true"]):
            return taking, {}  # it may still read what the real user may
        os.chown(".", user, users.get(user, user))
        for above in ("..", "../.."):  # of the run: it has to pass through, and sees nothing there
            os.chmod(above, 0o711)  # noqa: S103 - likewise
        return [], {"user": user, "group": users.get(user, user), "extra_groups": []}

    def set_up(self) -> None:
        """Let go of its shared memory segment, so that the kernel removes it with the last process, however it ends."""
        with open("data/postmaster.pid", encoding="ascii") as file:
            segment = file.read().split("\n")[6].split()[1:]
        if segment:
            ctypes.CDLL(None).shmctl(int(segment[0]), 0, None)  # IPC_RMID

    def reach(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        """Read how the client introduces itself; make the role and the database that it asks for."""
        while True:
            head = _receive_exactly(client, 8)
            length, code = struct.unpack("!II", head)
            body = _receive_exactly(client, length - 8)
            if code not in _ENCRYPT:
                break
            client.sendall(b"N")
        if code >> 16 == PROTOCOL_3:
            words = body.split(b"\0")
            asked = dict(zip(words[::2], words[1::2], strict=False))
            user = asked.get(b"user", b"").decode()
            self._make(user, asked.get(b"database", b"").decode() or user)
        return self.connect(), head + body

    def _make(self, user: str, database: str) -> None:
        with self._lock:
            if user not in self._roles:
                self._say(f"CREATE ROLE {_quote(user)} SUPERUSER LOGIN")
            if database not in self._databases:
                self._say(f"CREATE DATABASE {_quote(database)}")
                for script in self.service["scripts"]:
                    self._say(script, database)
            self._roles.add(user)
            self._databases.add(database)

    def _say(self, sql: str, database: str = _OWNER) -> None:
        """Statements as the owner; that something is there already does not matter."""
        with self.connect() as sock:
            opening = struct.pack("!I", PROTOCOL_3 << 16) + f"user\0{_OWNER}\0database\0{database}\0\0".encode()
            sock.sendall(struct.pack("!I", len(opening) + 4) + opening)
            _wait_until_idle(sock)
            query = sql.encode() + b"\0"
            sock.sendall(b"Q" + struct.pack("!I", len(query) + 4) + query)
            _wait_until_idle(sock)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _wait_until_idle(sock: socket.socket) -> None:
    """Read messages until the server waits for a query."""
    kind = b""
    while kind != b"Z":
        kind, length = struct.unpack("!cI", _receive_exactly(sock, 5))
        _receive_exactly(sock, length - 4)


def _receive_exactly(sock: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = sock.recv(length - len(data))
        if not more:
            raise ConnectionResetError("the other side left")
        data += more
    return data


_KINDS: dict[str, type[Server]] = {"redis": Redis, "postgres": Postgres, "mongodb": Mongo}
