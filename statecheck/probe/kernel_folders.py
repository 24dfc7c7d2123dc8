"""What of the kernel's own an app sees, as a container does: /dev, /proc, /sys, and an empty /run."""

from __future__ import annotations

import contextlib
import os

from . import mounts

PATHS = ("/dev", "/proc", "/run", "/sys")

_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_SETTINGS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_HIDDEN_FILES = ("/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug")
_HIDDEN_FOLDERS = ("/proc/acpi", "/proc/scsi", "/sys/firmware")
_ANYBODYS = 0o1777


def guard() -> None:
    """In a namespace where all is read-only: let /proc be written to, but for the machine's settings in it."""
    mounts.make_writable("/proc")
    for path in filter(os.path.exists, _SETTINGS):
        mounts.bind(path, path)
        mounts.make_read_only(path)
    for path in filter(os.path.exists, _HIDDEN_FILES):
        mounts.bind("/dev/null", path, devices=True)
    for path in filter(os.path.isdir, _HIDDEN_FOLDERS):
        mounts.mount_memory(path, 0o555)
        mounts.make_read_only(path)


def mount(root: str, links: dict[str, str]) -> None:
    """Mount them in a new root.

    Args:
        links: {path: where it leads} of those that are in /run, by which some systems find their programs.
    """
    for path in PATHS:
        os.mkdir(root + path)
    for path in ("/proc", "/sys"):
        mounts.bind(path, root + path)
    mounts.mount_memory(f"{root}/run", _ANYBODYS)
    for path, target in links.items():
        os.symlink(target, root + path)
    _mount_devices(f"{root}/dev")


def _mount_devices(folder: str) -> None:
    mounts.mount_memory(folder, 0o755)
    for name in _NODES:
        with contextlib.suppress(OSError):  # a machine may lack one
            os.close(os.open(f"{folder}/{name}", os.O_CREAT | os.O_EXCL))
            mounts.bind(f"/dev/{name}", f"{folder}/{name}", devices=True)
    for name, target in _LINKS.items():
        os.symlink(target, f"{folder}/{name}")
    for name in ("mqueue", "pts", "shm"):
        os.mkdir(f"{folder}/{name}")
    mounts.mount_memory(f"{folder}/shm", _ANYBODYS)
    with contextlib.suppress(OSError):  # of a kernel without them
        mounts.mount_kind("devpts", f"{folder}/pts", "newinstance,ptmxmode=0666")
        mounts.mount_kind("mqueue", f"{folder}/mqueue")
