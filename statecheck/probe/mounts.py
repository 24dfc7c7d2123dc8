"""A container's disk: overlay layers in a mount namespace, kept for a restart and dropped for a redeploy.

Works as root and, in a user namespace, rootless. The upper layers list exactly what a redeploy loses.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_PSEUDO = ("/proc", "/sys", "/dev", "/run")
_SKIP_TYPES = ("proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "mqueue", "tracefs", "debugfs", "fusectl")
# Folders that exist on any Linux and that no app looks into: the run's tmpfs covers one of them inside the namespace.
_COVERABLE = ("/sys/kernel/debug", "/sys/kernel/tracing", "/sys/fs/bpf", "/media", "/srv", "/mnt")

_DEEPEST = 3  # levels below a folder of the system's in which the user's own are looked for

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    encoded = [os.fsencode(source), os.fsencode(target), kind.encode() if kind else None]
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), os.fsencode(data) if data else None), f"mount {target}")


def loopback_up() -> None:
    """Bring up `lo` in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def run_tmpfs(keep: tuple[str, ...]) -> str:
    """Mount the run's tmpfs over a folder that no path in `keep` lies below; return that folder."""
    for folder in _COVERABLE:
        if Path(folder).is_dir() and not any(path == folder or path.startswith(folder + "/") for path in keep):
            try:
                _mount("statecheck", folder, "tmpfs", 0, "mode=0700")
            except OSError:
                continue
            return folder
    raise OSError("no folder to mount the run's tmpfs on")


def bind(source: str, path: str) -> None:
    """Mount a file or folder over another one."""
    _mount(source, path, None, _MS_BIND)


def enter(*namespaces: int) -> None:
    """Join the namespaces of these descriptors (the process must have one thread)."""
    for namespace in namespaces:
        _check(_libc.setns(namespace, 0), "setns")


def writable_places(extra: tuple[str, ...]) -> list[str]:
    """Folders that the app could write below, parents first: they get a layer each.

    Args:
        extra: absolute paths that must be covered (project, home, temporary folders).
    """
    mountpoints = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            point = left.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
            if point != "/" and right.split(" ")[0] not in _SKIP_TYPES:
                mountpoints.append(point)
    candidates = {entry.path for entry in os.scandir("/") if entry.is_dir(follow_symlinks=False)}
    candidates.update(mountpoints)
    rootless = os.getuid() != 0
    if rootless:
        candidates.update(_list_own_below([path for path in candidates if not os.access(path, os.W_OK)]))
    chosen: list[str] = []
    for path in sorted({*candidates, *extra}):
        if any(path == top or path.startswith(top + "/") for top in _PSEUDO) or not Path(path).is_dir():
            continue
        if not os.access(path, os.W_OK):
            continue
        # Rootless, a copy-up of a file with an unmapped owner fails: layer what is the user's own, not its parents.
        if rootless and os.stat(path).st_uid != os.getuid() and path not in extra:
            continue
        covering = [parent for parent in chosen if path.startswith(parent + "/")]
        if covering and os.stat(path).st_dev == os.stat(covering[-1]).st_dev:
            continue
        chosen.append(path)
    return chosen


def _list_own_below(tops: list[str]) -> list[str]:
    """Folders of the user's own below folders that are not: `/opt/app`, `/var/lib/app`."""
    found: list[str] = []
    for top in tops:
        for folder, names, _ in os.walk(top):
            deep = folder.count("/") - top.count("/") >= _DEEPEST
            mine = [name for name in names if os.access(f"{folder}/{name}", os.W_OK)]
            found += [f"{folder}/{name}" for name in mine if not os.path.islink(f"{folder}/{name}")]
            names[:] = [] if deep else [name for name in names if name not in mine]
    return found


def new_disk(
    layers: str, places: list[str], volumes: list[str], volume_layers: str, *, own_network: bool = False
) -> None:
    """Enter a new mount namespace whose writable folders are overlays with their upper layers below `layers`.

    Args:
        layers: a new folder on the run's tmpfs for this disk.
        places: from `writable_places`.
        volumes: absolute paths that are shared between the disks of one experiment and outlive them.
        volume_layers: a folder on the run's tmpfs for these.
        own_network: with a loopback of its own too, as a container has.

    Raises:
        OSError: the kernel refused; the caller falls back.
    """
    shared = [_volume(path, f"{volume_layers}/{number}") for number, path in enumerate(volumes)]
    _check(_libc.unshare(_CLONE_NEWNS | (_CLONE_NEWNET if own_network else 0)), "unshare")
    if own_network:
        loopback_up()
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    merged: list[tuple[str, int]] = []
    # a volume that is not there yet is made on a layer too, where its folder may not be written to
    places = [*places, *dict.fromkeys(top for top in map(_find_existing, volumes) if not os.access(top, os.W_OK))]
    for number, place in enumerate(places):
        merged.append((place, _overlay(place, f"{layers}/{number}")))
    # All overlays first, bound afterwards through descriptors: one over /tmp would hide a project below it.
    for place, descriptor in merged:
        _mount(f"/proc/self/fd/{descriptor}", place, None, _MS_BIND)
        os.close(descriptor)
    if (
        os.getuid() == 0
    ):  # what has no layer cannot be written to: `mkdir /data` fails, and nothing of the machine changes
        _mount("none", "/", None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY)
    for path, source in zip(volumes, shared, strict=True):
        try:
            os.makedirs(path, exist_ok=True)
        except OSError:  # below a folder of the machine's that is not there: the app will not be able to make it either
            continue
        _mount(source, path, None, _MS_BIND)
    for private in ("/dev/shm", "/run"):  # noqa: S108 - semaphores and sockets of this machine are not the app's
        if Path(private).is_dir():
            _mount("statecheck", private, "tmpfs", 0, "mode=1777")


def _find_existing(path: str) -> str:
    """The folder of this path, or the nearest above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _overlay(lower: str, layer: str) -> int:
    """Mount an overlay of `lower` at `layer`/merged; return a descriptor of its root."""
    for part in ("upper", "work", "merged"):
        os.makedirs(f"{layer}/{part}", exist_ok=True)
    Path(f"{layer}/lower").write_text(lower, encoding="utf-8", errors="surrogateescape")
    status = os.stat(lower)
    os.chmod(f"{layer}/upper", status.st_mode & 0o7777)
    escaped = lower.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
    options = f"lowerdir={escaped},upperdir={layer}/upper,workdir={layer}/work"
    _mount("overlay", f"{layer}/merged", "overlay", 0, options + (",userxattr" if os.getuid() else ""))
    return os.open(f"{layer}/merged", os.O_PATH | os.O_DIRECTORY)


def _volume(path: str, layer: str) -> str:
    """A folder that stands for a volume: what is there already, under a layer that all disks share."""
    if not Path(layer).is_dir():
        if Path(path).is_dir():
            os.close(_overlay(path, layer))
        else:
            os.makedirs(f"{layer}/merged")
    return f"{layer}/merged"


def drop_privileges() -> None:
    """Give up the capabilities of a user namespace, so that the app sees the permissions of its real user."""
    if os.getuid() == 0:
        return
    header = struct.pack("II", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _libc.capset(header, struct.pack("IIIIII", 0, 0, 0, 0, 0, 0))
    _libc.prctl(47, 4, 0, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
