"""Lets a target without network reach one loopback service that the user handed over, and sees markers pass."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

from statecheck.history import Op
from statecheck.probe.markers import MARKER_BYTES

_TAIL = 12  # a marker's length: one that is cut by a packet's end is found with the next


@dataclass
class Relay:
    """Accepts on a socket that was opened inside the target's network namespace, and connects outside."""

    listener: socket.socket
    host: str
    port: int
    ops: list[Op] = field(default_factory=list)

    def start(self) -> None:
        """Serve in the background until closed."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept nothing more."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                inside, _ = self.listener.accept()
            except OSError:
                return
            try:
                outside = socket.create_connection((self.host, self.port), timeout=5)
            except OSError:
                inside.close()
                continue
            outside.settimeout(None)
            for source, sink, action in ((inside, outside, "write"), (outside, inside, "read")):
                threading.Thread(target=self._pump, args=(source, sink, action), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, action: str) -> None:
        tail = b""
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                found = MARKER_BYTES.findall(tail + data)
                tail = data[-_TAIL:]
                if found:
                    markers = tuple(dict.fromkeys(match.decode() for match in found))
                    where = f"{self.host}:{self.port}"
                    self.ops.append(Op(time.monotonic_ns(), "ok", "relay", action=action, markers=markers, where=where))
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
