"""Tells the lab that modules are still being imported, or a program at work: what takes long and goes on is no hang."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from .channel import Closed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .channel import Channel

_SECONDS = 1.0  # between two words


class Imports:
    """Tells a channel of the module that is looked for, now and then, from `begin` to `end`.

    A child that is forked tells nothing: the channel is not its own, and its lock may be held for good.
    """

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._told = 0.0
        os.register_at_fork(after_in_child=self.end)

    def begin(self, channel: Channel) -> None:
        """From now on tell this one."""
        self._channel = channel

    def end(self) -> None:
        """Tell nobody any more."""
        self._channel = None

    def note(self, module: str) -> None:
        """A module is looked for that is not imported yet. Called in any thread, and while it tells, too."""
        channel, now = self._channel, time.monotonic()
        if channel is None or now - self._told < _SECONDS:
            return
        before, self._told = self._told, now  # first of all: what happens meanwhile in this thread may import as well
        try:
            if not channel.offer({"importing": module}):  # a finalizer may import while this thread sends
                self._told = before
        except Closed:
            self.end()


IMPORTS = Imports()


def run_program(arguments: Sequence[str], folder: str) -> None:
    """Run a program to its end, whatever that is, and tell of it as long as it uses the processor."""
    with subprocess.Popen(arguments, cwd=folder) as program:
        used = b""
        while True:
            try:
                program.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                before, used = used, _read_used(program.pid)
                if used != before:
                    IMPORTS.note(" ".join(arguments[1:]))
            else:
                return


def _read_used(pid: int) -> bytes:
    """What Linux says of the time that a process has used the processor; another system says nothing."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
    except OSError:
        return b""
    return b" ".join(words[11:13])
