"""Holds turns before they replace a file that they have read, where turns overlap: whatever reads and writes it."""

from __future__ import annotations

import os
import sys
from typing import Any

from .barrier import BARRIER

_WRITES = os.O_WRONLY | os.O_RDWR


def install() -> None:
    """Start watching; once a process, in the worker (an audit hook cannot be taken back)."""
    sys.addaudithook(_audit)


def note_missing(path: Any) -> None:
    """Note that a turn looked for a file that is not there: as good as read, for whoever makes it then."""
    if not BARRIER.is_open:
        BARRIER.note_read((_name(path),))


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if BARRIER.is_open or event not in ("open", "os.rename"):
        return
    path = args[0] if event == "open" else args[1]
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    if event == "os.rename":
        BARRIER.hold_before((_name(path),))
    elif not isinstance(args[2], int) or not args[2] & _WRITES:
        BARRIER.note_read((_name(path),))
    elif not args[2] & os.O_APPEND:
        BARRIER.hold_before((_name(path),))


def _name(path: Any) -> str:
    return "file " + os.path.abspath(os.fsdecode(path))
