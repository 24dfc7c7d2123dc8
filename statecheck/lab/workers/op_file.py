"""Files without a name that processes of a run append their ops to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


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
    """Return all that was written so far, without moving the position of a writer."""
    return os.pread(fd, os.fstat(fd).st_size, 0)
