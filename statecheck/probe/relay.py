"""Passes on what an app says to a service, and shows the markers that pass, whatever library sends them."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .markers import read_markers, words_around
from .protocols import COMMANDS, AnyCommands, Commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ops import OpAction

    Seen = Callable[[OpAction, str, list[str], str, str], None]
    """Told of what passes: `write`, `send` (a write without a marker) or `read`; where to; the markers, the command,
    and the words before the markers."""


@dataclass
class Relay:
    """Accepts on one socket and connects each client to the service behind it.

    Attributes:
        listener: where the app finds the service.
        reach: connects to the service for a client that was accepted; returns with the connection what is to be
            sent there first, which it has read from the client.
        kind: of the service, for its protocol.
        seen: told of each command that passes.
    """

    listener: socket.socket
    reach: Callable[[socket.socket], tuple[socket.socket, bytes]]
    kind: str
    seen: Seen

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
            threading.Thread(target=self._serve, args=(inside,), daemon=True).start()

    def _serve(self, inside: socket.socket) -> None:
        try:
            outside, first = self.reach(inside)
            where = "{}:{}".format(*inside.getsockname()[:2])
        except OSError:
            inside.close()
            return
        answers = threading.Thread(target=self._pump, args=(outside, inside, AnyCommands(), where, "read"), daemon=True)
        answers.start()
        commands = COMMANDS.get(self.kind, AnyCommands)()
        self._pass(commands, first, outside, where, "write")
        self._pump(inside, outside, commands, where, "write")
        answers.join()
        inside.close()
        outside.close()

    def _pump(
        self, source: socket.socket, sink: socket.socket, commands: Commands, where: str, action: OpAction
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._pass(commands, data, sink, where, action)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _pass(self, commands: Commands, data: bytes, sink: socket.socket, where: str, action: OpAction) -> None:
        try:
            said = list(commands.feed(data))
        except ValueError:  # another protocol than was thought, or an encrypted one
            said = [("", data)]
        for text, payload in said:
            markers = read_markers(payload)
            if markers or (text and action == "write"):
                words = words_around(payload.decode("utf-8", "replace")) if markers else ""
                self.seen(action if markers else "send", where, markers, text, words)
        with contextlib.suppress(OSError):
            sink.sendall(data)
