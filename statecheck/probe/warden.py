"""Runs a command and takes every descendant along when the tool that started it is gone, whatever killed it.

For systems without namespaces. Usage: `warden.py FOLDER command …`; its standard input is not used. The tool's
end of the inherited channel is what keeps it alive: at its end of file the command's whole tree is killed (a
subreaper adopts what daemonised itself) and FOLDER is removed. Standard library only, run with `-S`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import sys
import time

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LOOK_SECONDS = 1.0  # how often to look for the parent where the kernel does not tell
_LAST_SECONDS = 10.0

LOCK = ".lock"
"""In the folder; held by who uses it."""


def _children() -> list[int]:
    with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
    return []


def _kill_all(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + _LAST_SECONDS
    while time.monotonic() < deadline:
        for child in _children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                select.select([], [], [], 0.005)
        except ChildProcessError:
            return


def main(folder: str, arguments: list[str]) -> int:
    """Run until the command ends or the parent process is gone; returns the exit status."""
    parent = os.getppid()
    lock = os.open(f"{folder}/{LOCK}", os.O_RDWR | os.O_CREAT, 0o600)  # its child gets no copy: it is not inheritable
    fcntl.flock(lock, fcntl.LOCK_SH)
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    wake, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.execvp(arguments[0], arguments)  # noqa: S606 - no shell on purpose
    status = 0
    while os.getppid() == parent:
        select.select([wake], [], [], _LOOK_SECONDS)
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(wake, False)
            if any(number != signal.SIGCHLD for number in os.read(wake, 64)):
                break
        finished, raw = os.waitpid(pid, os.WNOHANG)
        if finished:
            status = os.waitstatus_to_exitcode(raw)
            break
    _kill_all(pid)
    shutil.rmtree(folder, ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
