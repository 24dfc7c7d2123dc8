"""What holds the target where there are no namespaces: Landlock where the kernel has it, and what the guard refuses."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

from . import guard, landlock, outside, privileges

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEVICES = ("null", "zero", "full", "tty", "ptmx", "pts", "shm", "random", "urandom")


class Confinement:
    """Of one run: of the warm parent, and, from the first worker on, of all that it starts.

    Args:
        folder: the only one that may be written to.

    Attributes:
        version: of Landlock, 0 where there is none or it is refused.
    """

    def __init__(self, folder: str) -> None:
        self.version = landlock.find_version()
        self._rules = -1
        self._made: socket.socket | None = None
        try:
            if self.version:
                rules = landlock.make_write_rules(
                    self.version, [folder, *(f"/dev/{name}" for name in _DEVICES), "/proc"]
                )
                landlock.restrict(rules)
                os.close(rules)
                self._made = self._begin()
        except OSError:
            self.version = 0
        if not self.version:  # libraries may write when they are imported
            outside.install((folder,), alone=True)

    def _begin(self) -> socket.socket:
        """Make the workers' rules in a process of its own: tens of thousands of ports take a while."""
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            with contextlib.suppress(BaseException):
                rules = landlock.make_worker_rules(self.version)
                if self.version >= landlock.NETWORK:
                    landlock.allow_ports(rules, landlock.list_own_ports())
                socket.send_fds(theirs, [b"."], [rules])
            os._exit(0)
        theirs.close()
        return ours

    def confine(self, hidden: Iterable[str], ports: Iterable[int]) -> None:
        """Hold this process to the workers' rules too, once; those that it forks are then held as well.

        Args:
            hidden: files and folders that are not to be read.
            ports: of services that the target may reach.

        Raises:
            OSError: the kernel refused.
        """
        made, self._made = self._made, None
        if made is None:
            return
        with made:
            _, descriptors, _, _ = socket.recv_fds(made, 1, 1)
        if not descriptors:
            raise OSError("landlock: no rules could be made for the workers")
        rules = descriptors[0]
        if self.version >= landlock.NETWORK:
            landlock.allow_ports(rules, ports)
        landlock.allow_reading(rules, hidden)
        landlock.restrict(rules)
        os.close(rules)

    def arrive(self, ports: Iterable[int], folder: str) -> None:
        """In a worker: give up what a container has not, and refuse what no rule of the kernel's forbids."""
        with contextlib.suppress(OSError):  # it is held to its rules all the same
            privileges.drop()
        guard.close_loopback(frozenset(ports), landlock.list_own_ports(), (folder,))

    def list_limits(self) -> list[str]:
        """What cannot be prevented, in words for the report."""
        own = landlock.list_own_ports()
        limits = []
        if self.version < landlock.NETWORK:
            limits.append("connections that C code and other programs make, to Unix sockets of this machine too")
        else:
            high = f"ports from {own[0]} to {own[-1]}"
            limits.append(
                f"connections by TCP to {high}, and by UDP and to Unix sockets that C code and other programs make"
            )
        if not self.version:
            limits += [
                "what these write outside the copies, and read of your files and of other processes' variables",
                "messages to queues that have a name",
            ]
        else:
            limits += [
                "that they change modes and dates of your files",
                "that your files are read by their absolute paths",
            ]
        limits.append("what is shared by name in memory (`/dev/shm`, System V)")
        if self.version < landlock.SCOPES:
            limits.append("signals to your processes")
        return limits
