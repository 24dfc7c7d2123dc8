"""Nothing beyond loopback: refuses every other address, and remembers who asked for it.

Where the target shares this machine's loopback, its services are refused too, but for those that it was given.
"""

from __future__ import annotations

import itertools
import os
from typing import Any, NoReturn

from .addresses import is_loopback
from .recorder import RECORDER, TOOL

_UNNAMED = (None, 0, "0")

REFUSED: list[tuple[str, str, int]] = []
"""(address, path, line) of what was refused in this process and the user's line that asked, in order."""


_open_ports: tuple[frozenset[int], range] | None = None
"""Of this machine, where its own services can be reached; None where none can."""
_own_folders: tuple[str, ...] = ()
_count = itertools.count(1)
_refusals = 0


def refusals() -> int:
    """How often an address was refused in this process: a call that fails meanwhile fails for want of the network."""
    return _refusals


class BeyondLoopback(ConnectionRefusedError):
    """An address that statecheck does not let the target reach."""


def check(host: Any, port: Any) -> None:
    """Refuse a host that is not this machine.

    Raises:
        BeyondLoopback: always then.
    """
    name = host.decode("idna") if isinstance(host, bytes) else str(host or "")
    if is_loopback(name):
        _check_loopback(name, port)
        return
    _refuse(name, port, "statecheck lets nothing leave this machine")


def check_address(address: Any) -> None:
    """Refuse an address that a socket is to be connected to, as `check` and `check_socket`."""
    if isinstance(address, tuple):
        check(*address[:2])
    elif isinstance(address, (str, bytes)):
        check_socket(address)


def check_socket(path: str | bytes) -> None:
    """Refuse a Unix socket of this machine's, where these can be reached, unless it is below a folder of the run's.

    Raises:
        BeyondLoopback: always then.
    """
    name = os.fsdecode(path)
    if _open_ports is not None and not os.path.realpath(name).startswith(_own_folders):
        _refuse(name.replace("\0", "@"), None, "statecheck lets the app reach no service of this machine's own")


def close_loopback(ports: frozenset[int], own: range, folders: tuple[str, ...]) -> None:
    """Refuse from now on the services of this machine, in a process that can reach them.

    Args:
        ports: of those that the target may reach all the same.
        own: ports that are given to whoever asks for any: the target may serve itself there.
        folders: in which its own Unix sockets are, with a slash at the end.
    """
    global _open_ports, _own_folders
    _open_ports, _own_folders = (ports, own), tuple(os.path.realpath(folder) + "/" for folder in folders)


def _check_loopback(name: str, port: Any) -> None:
    if _open_ports is not None and isinstance(port, int) and port and not any(port in ports for ports in _open_ports):
        _refuse(name, port, "statecheck lets the app reach no service of this machine's own")


def _refuse(name: str, port: Any, why: str) -> NoReturn:
    global _refusals  # noqa: PLW0603 - an audit hook has no object of its own
    _refusals = next(_count)  # threads may ask at once
    address = name if port in _UNNAMED else f"{name}:{port}"
    frames = RECORDER.frames(3) or RECORDER.awaiting()
    if frames:
        REFUSED.append((address, *frames[0][:2]))
    RECORDER.emit("blocked", where=address, frames=frames, tool=TOOL.get())
    raise BeyondLoopback(f"{why}: `{address}`")
