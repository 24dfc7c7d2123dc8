"""Disks made of overlay layers, a mount namespace each; everything is on one tmpfs that dies with the run.

In the run's first namespace all of the machine is read-only. A disk's namespace comes of that one and has a root of
its own, with layers where the app may write; whoever is on a disk cannot get back.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from . import kernel_folders, mounts, privileges
from .disk_roots import DiskRoot, is_below, make_layer, plan_root
from .disks import find_holders
from .masked_files import Masks
from .project_copies import place_file

if TYPE_CHECKING:
    from .channel import Message
    from .disks import Entering

_COVERABLE = ("/run", "/mnt", "/media", "/srv")  # the run's files are kept in one in which nothing is that it needs
_KINDS = ("mnt", "net", "uts")
_HOSTS = "/etc/hosts"


def _experiment(disk: str) -> str:
    return disk.rsplit("/", 1)[0]


class LayeredDisks:
    """Disks made of overlay layers, a mount namespace each; everything is on one tmpfs that dies with the run."""

    name = "namespace"
    limits: tuple[str, ...] = ()  # what it could not prevent it would not run without

    def __init__(self, setup: Message) -> None:
        """Make the machine read-only, and give this process a disk of its own: libraries may write when imported."""
        mounts.bring_loopback_up()
        mounts.keep_to_itself()
        here, keep = os.getcwd(), setup["keep"]
        self.folder = next((path for path in _COVERABLE if _is_free(path, keep)), "")
        if not self.folder:
            raise OSError(f"no folder for the run's own files: one of {', '.join(_COVERABLE)} is needed")
        written = [path for path in keep if os.access(path, os.W_OK) and os.path.isdir(path)]
        self.plan = plan_root(keep, setup["project"], setup["sockets"], self.folder)
        mounts.make_read_only("/")
        kernel_folders.guard()
        self._machine = _open_namespace("mnt")
        mounts.mount_memory(self.folder, 0o700)
        self.masks = Masks(f"{self.folder}/masks")
        self.machine = socket.gethostname()
        self._namespaces: dict[str, tuple[int, ...]] = {}
        self._volumes: dict[str, list[str]] = {}
        self._files: set[str] = set()  # of the volumes, those that are a file and no folder
        self._names: dict[str, str] = {}  # of hosts, by disk, where it is not the machine's
        self._own: tuple[int, ...] = ()
        self._entering: _LayeredEntering | None = None
        mounts.unshare(network=False)
        self._build("warm", {}, keep_folder=True)
        for path in written:
            if not os.access(path, os.W_OK):
                raise OSError(f"no layer can be laid over {path}: {self._why_not(path)}")
        self._own = _open_namespaces()
        os.chdir(here)
        # before any library's own, which may start threads: these are born with what a container leaves them
        os.register_at_fork(after_in_child=self._be_born)

    def _why_not(self, path: str) -> str:
        place = self.plan.place_of(os.path.realpath(path))
        return self.plan.unlayered.get(place.path, place.how) if place else "it is not seen"

    def _build(
        self, disk: str, shared: dict[str, str], request: Message | None = None, *, keep_folder: bool = False
    ) -> None:
        """Give this mount namespace the root of a disk, which is new."""
        stand_ins: dict[str, str] = request["stand_ins"] if request else {}
        new = DiskRoot(self.plan, f"{self.folder}/{disk}")
        files = [path for path in shared if path in self._files]
        folders = [*(path for path in shared if path not in self._files), *map(os.path.dirname, files)]
        new.build([*folders, *(path for path in stand_ins if not os.path.exists(path))], files)
        for path, source in shared.items():
            mounts.bind(source, new.root + path)
        for path, original in stand_ins.items():
            if original and not os.path.exists(path) and os.path.isdir(new.root + path):
                mounts.bind(new.root + original, new.root + path)
        self.masks.mount(new.root)
        if request is not None and os.path.isfile(_HOSTS):  # a container can look up its own name
            hosts = Path(f"{self.folder}/{disk}/hosts")
            hosts.write_bytes(
                Path(_HOSTS).read_bytes() + f"\n127.0.0.1 {self.name_host(disk) or self.machine}\n".encode()
            )
            mounts.bind(str(hosts), new.root + _HOSTS)
        if keep_folder:
            os.makedirs(new.root + self.folder, exist_ok=True)
            mounts.bind(self.folder, new.root + self.folder)
        mounts.make_root(new.root)

    def prepare_entry(self, disk: str, request: Message) -> Entering:
        """A namespace of its own for a new disk, the one that exists for a known disk."""
        return _LayeredEntering(self, disk, request)

    def go_to(self, disk: str, request: Message) -> None:
        """Let this thread be on a disk, until `come_back`.

        Raises:
            OSError: the kernel refused.
        """
        if disk in self._namespaces:
            mounts.enter(*self._namespaces[disk])
            return
        experiment = _experiment(disk)
        self._volumes[experiment] = volumes = request["volumes"]
        self._files.update(request["files"])
        mounts.enter(self._machine)
        shared = {path: self._share(path, f"{experiment}/{number}") for number, path in enumerate(volumes)}
        # a container that replaces another has another name: the first keeps the machine's, which a user knows
        replaces = any(_experiment(known) == experiment for known in self._namespaces)
        if request["host_name"]:
            self._names[disk] = request["host_name"]
        elif replaces:
            self._names[disk] = secrets.token_hex(6)
        mounts.unshare(network=request["own_network"], host_name=self.name_host(disk))
        self._build(disk, shared, request)
        self._namespaces[disk] = _open_namespaces()

    def come_back(self, here: str) -> None:
        """Let this thread be on its own disk again, in this folder."""
        mounts.enter(*self._own)
        os.chdir(here)

    def _share(self, path: str, name: str) -> str:
        """What stands for a volume: what is there already, under a layer that all disks share; of a file, a copy."""
        layer = f"{self.folder}/volumes/{name}"
        merged = f"{layer}/merged"
        if path in self._files:
            copy = f"{merged}/{os.path.basename(path)}"
            if not os.path.isdir(layer):
                os.makedirs(merged)
                place_file(path, copy)
            return copy
        if not os.path.isdir(layer):
            os.makedirs(merged)
            if os.path.isdir(path):
                make_layer(layer, path)
                os.chmod(f"{layer}/upper", os.stat(path).st_mode & 0o7777 | 0o700)
                mounts.overlay(path, layer, merged)
            elif os.path.exists(path):
                raise NotADirectoryError(f"the volume {path} is a file here: name its folder")
        return merged

    def let_in(self, entering: _LayeredEntering | None) -> None:
        """Whoever is forked from now on is on a disk for good; None ends that."""
        self._entering = entering

    def _be_born(self) -> None:
        """In a child that is let in: keep no way back, and no right that a container has not."""
        entering, self._entering = self._entering, None  # a child of its own has nothing to give up
        if entering is None:
            return
        try:
            for descriptor in (self._machine, *self._own, *itertools.chain(*self._namespaces.values())):
                os.close(descriptor)
            privileges.drop()
        except OSError as error:  # nobody would hear of it here
            entering.failed = error

    def name_host(self, disk: str) -> str:
        """Return the name that the host has on a disk; "" where it is the machine's."""
        return self._names.get(disk, "")

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """What the disk's upper layers hold, and what was written to the volumes."""
        layers = {
            str(layer): (layer.parent / "lower").read_text(encoding="utf-8", errors="surrogateescape").rstrip("/")
            for layer in sorted(Path(f"{self.folder}/{disk}/layers").glob("*/upper"))
        }
        layers[f"{self.folder}/{disk}/root"] = ""
        experiment = _experiment(disk)
        for number, volume in enumerate(self._volumes.get(experiment, ())):
            shared = f"{self.folder}/volumes/{experiment}/{number}"
            layer = f"{shared}/upper" if os.path.isdir(f"{shared}/upper") else f"{shared}/merged"
            layers[layer] = os.path.dirname(volume) if volume in self._files else volume
        return [found for _, found in find_holders(layers, markers)]

    def processes(self, disk: str) -> list[int]:
        """All processes on a disk: those too that made themselves a session of their own."""
        namespaces = self._namespaces.get(disk)
        if namespaces is None:
            return []
        here = os.fstat(namespaces[0])
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    there = os.stat(f"/proc/{name}/ns/mnt")
                    if (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
                        found.append(int(name))
        return found

    def forget(self, prefix: str) -> None:
        """Leave their namespaces, which end then, and remove their layers."""
        for disk in [disk for disk in self._namespaces if disk.startswith(prefix)]:
            for namespace in self._namespaces.pop(disk):
                os.close(namespace)
        here = os.getcwd()
        mounts.enter(self._machine)
        for point in mounts.list_mounts():
            if is_below(point.path, f"{self.folder}/volumes/{prefix}"):
                mounts.unmount(point.path)
        self.come_back(here)
        for folder in (f"{self.folder}/{prefix}", f"{self.folder}/volumes/{prefix}"):
            shutil.rmtree(folder, ignore_errors=True)


def _is_free(folder: str, keep: list[str]) -> bool:
    return os.path.isdir(folder) and not any(is_below(os.path.realpath(path), folder) for path in keep)


def _open_namespaces() -> tuple[int, ...]:
    return tuple(map(_open_namespace, _KINDS))


def _open_namespace(kind: str) -> int:
    return os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)


class _LayeredEntering:
    unheld = False

    def __init__(self, disks: LayeredDisks, disk: str, request: Message) -> None:
        self.disks, self.disk, self.request = disks, disk, request
        self.here = os.getcwd()
        self.failed: OSError | None = None

    def __enter__(self) -> None:
        try:
            self.disks.go_to(self.disk, self.request)
        except BaseException:
            self.disks.come_back(self.here)
            raise
        self.disks.let_in(self)

    def __exit__(self, *raised: object) -> None:
        self.disks.let_in(None)
        self.disks.come_back(self.here)

    def arrive(self) -> None:
        if self.failed is not None:
            raise self.failed

    def environment(self) -> dict[str, str]:
        """As Docker sets it; one that the user has given is another."""
        name, given = self.disks.name_host(self.disk), self.request["environment"].get("HOSTNAME")
        return {"HOSTNAME": name} if name and given == self.disks.machine else {}

    def list_moved(self) -> list[list[str]]:
        return []
