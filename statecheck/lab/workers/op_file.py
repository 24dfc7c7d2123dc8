"""Files without a name that processes of a run append their ops to."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.history import decode, decode_lines
from statecheck.probe.ops import MOST_RECORDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.history import Op


def anonymous_file() -> int:
    """A new append-only file without a name: what is written survives the writer's SIGKILL and dies with us."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("statecheck-ops")
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        return fd
    fd, path = tempfile.mkstemp(prefix="statecheck-")
    os.close(fd)
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    Path(path).unlink()
    return fd


def read_file(fd: int) -> bytes:
    """Return what was written so far, at most `MOST_RECORDED`, without moving the position of a writer."""
    return os.pread(fd, min(os.fstat(fd).st_size, MOST_RECORDED), 0)


def read_ops(fd: int) -> tuple[list[Op], bool]:
    """Return the ops that were written so far, and whether that is all: every line is an op, and none was left out."""
    data = read_file(fd)
    try:
        return decode_lines(data), len(data) < MOST_RECORDED
    except ValueError:  # the app wrote on this descriptor too
        return [op for line in data.split(b"\n")[:-1] for op in _decode_or_drop(line)], False


def _decode_or_drop(line: bytes) -> Iterator[Op]:
    with contextlib.suppress(ValueError):
        yield decode(line)
