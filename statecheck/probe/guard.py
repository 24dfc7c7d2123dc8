"""Nothing beyond loopback: refuses every other address, and remembers who asked for it."""

from __future__ import annotations

import itertools
from typing import Any

from .addresses import is_loopback
from .recorder import RECORDER, TOOL

_UNNAMED = (None, 0, "0")

REFUSED: list[tuple[str, str, int]] = []
"""(address, path, line) of what was refused in this process and the user's line that asked, in order."""


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
        return
    global _refusals  # noqa: PLW0603 - an audit hook has no object of its own
    _refusals = next(_count)  # threads may ask at once
    address = name if port in _UNNAMED else f"{name}:{port}"
    frames = RECORDER.frames(3) or RECORDER.awaiting()
    if frames:
        REFUSED.append((address, *frames[0][:2]))
    RECORDER.emit("blocked", where=address, frames=frames, tool=TOOL.get())
    raise BeyondLoopback(f"statecheck lets nothing leave this machine: `{address}`")
