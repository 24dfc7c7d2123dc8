"""The kernel's calls for mounts and namespaces, each with the error that it gives. Works as root and rootless."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import socket
import struct
from dataclasses import dataclass

_CLONE_FS, _CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWNET = 0x200, 0x20000, 0x4000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000  # the number is the same on all architectures but Alpha
_ALL_USERS = 2**32 - 1
_KEPT_FLAGS = {"nosuid": _MS_NOSUID, "nodev": _MS_NODEV, "noexec": _MS_NOEXEC, "noatime": 1024, "nodiratime": 2048}
_KEPT_FLAGS |= {"relatime": 1 << 21, "ro": _MS_RDONLY}

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class MountPoint:
    """A line of `/proc/self/mountinfo`.

    Attributes:
        kind: of the file system.
        options: of this mount.
    """

    path: str
    kind: str
    options: tuple[str, ...]


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    encoded = [os.fsencode(source), os.fsencode(target), kind.encode() if kind else None]
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), os.fsencode(data) if data else None), f"mount {target}")


@functools.cache
def is_rootless() -> bool:
    """Whether this process is not the machine's root: it is another user, or root of a user namespace and no further.

    Files are those of whom they belong to on the machine: such a root owns its own, and has no rights over others'.
    """
    if os.getuid():
        return True
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() != ["0", "0", str(_ALL_USERS)]


def list_mounts() -> list[MountPoint]:
    """What is mounted in this namespace, in the order in which it was."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            fields = left.split(" ")
            path = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
            path = path.encode("latin-1").decode("utf-8", "surrogateescape")
            found.append(MountPoint(path, right.split(" ")[0], tuple(fields[5].split(","))))
    return found


def bring_loopback_up() -> None:
    """Bring up `lo` in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def keep_to_itself() -> None:
    """Let nothing that is mounted here show in another namespace."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def make_read_only(path: str) -> None:
    """Make what is mounted at a path read-only, and all that is mounted below it; nothing there may gain rights."""
    if _set_attributes(path, _MS_RDONLY | _MS_NOSUID, 0, _AT_RECURSIVE):
        return
    below = path.rstrip("/") + "/"  # a kernel before 5.12: one mount after the other
    for mount in list_mounts():
        if mount.path == path or mount.path.startswith(below):
            flags = sum(_KEPT_FLAGS.get(option, 0) for option in {*mount.options, "ro", "nosuid"})
            _mount("none", mount.path, None, _MS_REMOUNT | _MS_BIND | flags)


def make_writable(path: str) -> None:
    """Make one mount of this namespace's own writable again."""
    if not _set_attributes(path, 0, _MS_RDONLY, 0):
        _mount("none", path, None, _MS_REMOUNT | _MS_BIND | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def _set_attributes(path: str, add: int, remove: int, flags: int) -> bool:
    """Whether the kernel has the call. Its MOUNT_ATTR_RDONLY, _NOSUID and _NODEV are numbered as mount's flags are."""
    attributes = struct.pack("QQQQ", add, remove, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    if _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), flags, attributes, size) == 0:
        return True
    number = ctypes.get_errno()
    if number in (38, 1):  # ENOSYS; EPERM is what filters of system calls answer for what they do not know
        return False
    raise OSError(number, f"mount_setattr {path}: {os.strerror(number)}")


def mount_memory(path: str, mode: int) -> None:
    """Mount a new file system of memory over a folder."""
    _mount("statecheck", path, "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode={mode:o}")


def mount_kind(kind: str, path: str, options: str = "") -> None:
    """Mount a new file system of the kernel's own."""
    _mount(kind, path, kind, _MS_NOSUID | _MS_NOEXEC, options)


def bind(source: str, path: str, *, devices: bool = False) -> None:
    """Mount a file or folder over another one, with all that is mounted below it.

    Args:
        devices: whether a device there is one.
    """
    _mount(source, path, None, _MS_BIND | _MS_REC)
    if not devices:
        _set_attributes(path, _MS_NODEV, 0, _AT_RECURSIVE)


def overlay(lower: str, layer: str, path: str) -> None:
    """Mount a folder at a path with a layer on it: what is written there goes to `layer`/upper.

    Raises:
        OSError: the kernel takes no layer there.
    """
    escaped = lower.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
    options = f"lowerdir={escaped},upperdir={layer}/upper,workdir={layer}/work"
    options += ",userxattr" if is_rootless() else ""
    _mount("overlay", path, "overlay", _MS_NOSUID | _MS_NODEV, options)


def unmount(path: str) -> None:
    """Take away what is mounted there, as soon as nobody uses it."""
    _check(_libc.umount2(os.fsencode(path), _MNT_DETACH), f"umount {path}")


def make_root(folder: str) -> None:
    """Make a folder at which something is mounted the root of this namespace; the old one is out of reach then."""
    os.chdir(folder)
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    unmount(".")
    os.chdir("/")


def unshare(*, network: bool, host_name: str = "") -> None:
    """Give this thread a mount namespace of its own, a network whose loopback is up, and a host's name."""
    kinds = _CLONE_NEWNS | (_CLONE_NEWNET if network else 0) | (_CLONE_NEWUTS if host_name else 0)
    _check(_libc.unshare(kinds), "unshare")
    if network:
        bring_loopback_up()
    if host_name:
        socket.sethostname(host_name)


def cover(path: str) -> None:
    """Mount an empty folder over one, which looks the same from outside."""
    status = os.stat(path)
    _mount("statecheck", path, "tmpfs", 0, f"mode={status.st_mode & 0o777:o},size=16m")
    with contextlib.suppress(OSError):  # a user who is unknown in this namespace
        os.chown(path, status.st_uid, status.st_gid)


def enter(*namespaces: int) -> None:
    """Let this thread join the namespaces of these descriptors; its folder is their root then."""
    _check(_libc.unshare(_CLONE_FS), "unshare")  # a process with other threads would be refused
    for namespace in namespaces:
        _check(_libc.setns(namespace, 0), "setns")
