"""Disks made of overlay layers, a mount namespace each; everything is on one tmpfs that dies with the run."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import mounts
from .disks import find_holders
from .masked_files import Masks

if TYPE_CHECKING:
    from .channel import Message
    from .disks import Entering


def _experiment(disk: str) -> str:
    return disk.rsplit("/", 1)[0]


class LayeredDisks:
    """Disks made of overlay layers, a mount namespace each; everything is on one tmpfs that dies with the run."""

    name = "namespace"

    def __init__(self, project: str, keep: list[str]) -> None:
        mounts.loopback_up()
        self.folder = mounts.run_tmpfs(tuple(keep))
        extra = tuple(path for path in keep if Path(path).is_dir())
        self.places = mounts.writable_places(extra)
        self.project = project
        # libraries may write when they are imported: the warm parent has a disk of its own, workers start from none
        self.machine = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        here = os.getcwd()
        mounts.new_disk(f"{self.folder}/warm", self.places, [], "")
        self.masks = Masks(f"{self.folder}/masks")
        os.chdir(here)
        self._namespaces: dict[str, tuple[int, int]] = {}
        self._volumes: dict[str, list[str]] = {}

    def prepare_entry(self, disk: str, volumes: list[str], *, own_network: bool) -> Entering:
        """A namespace of its own for a new disk, the one that exists for a known disk."""
        self._volumes[_experiment(disk)] = volumes
        return _LayeredEntering(self, disk, volumes, own_network=own_network)

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """What the disk's upper layers hold, and what was written to the volumes."""
        layers = {
            str(layer): (layer.parent / "lower").read_text(encoding="utf-8", errors="surrogateescape").rstrip("/")
            for layer in sorted(Path(f"{self.folder}/{disk}").glob("*/upper"))
        }
        experiment = _experiment(disk)
        for number, volume in enumerate(self._volumes.get(experiment, ())):
            shared = f"{self.folder}/volumes/{experiment}/{number}"
            layers[f"{shared}/upper" if os.path.isdir(f"{shared}/upper") else f"{shared}/merged"] = volume
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
        for folder in (f"{self.folder}/{prefix}", f"{self.folder}/volumes/{prefix}"):
            shutil.rmtree(folder, ignore_errors=True)


class _LayeredEntering:
    def __init__(self, disks: LayeredDisks, disk: str, volumes: list[str], *, own_network: bool) -> None:
        self.disks, self.disk, self.volumes, self.own_network = disks, disk, volumes, own_network
        self.namespaces = disks._namespaces.get(disk)  # noqa: SLF001 - two halves of one class
        if self.namespaces is None:
            self.there, self.tell_parent = os.pipe()
            self.may_go, self.tell_child = os.pipe()

    def enter(self) -> None:
        if self.namespaces is not None:
            mounts.enter(*self.namespaces)
        else:
            os.close(self.there)
            os.close(self.tell_child)
            experiment = _experiment(self.disk)
            folder = self.disks.folder
            mounts.enter(self.disks.machine)
            mounts.new_disk(
                f"{folder}/{self.disk}",
                self.disks.places,
                self.volumes,
                f"{folder}/volumes/{experiment}",
                own_network=self.own_network,
            )
            self.disks.masks.mount()
            os.write(self.tell_parent, b"1")
            os.read(self.may_go, 1)
            os.close(self.tell_parent)
            os.close(self.may_go)
        mounts.drop_privileges()

    def await_entry(self, pid: int) -> Message:
        if self.namespaces is not None:
            return {}
        os.close(self.tell_parent)
        os.close(self.may_go)
        try:
            if not os.read(self.there, 1):
                raise OSError(f"no disk could be made for `{self.disk}`")
            kinds = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("mnt", "net")]
            self.disks._namespaces[self.disk] = (kinds[0], kinds[1])  # noqa: SLF001 - as above
        finally:
            os.close(self.there)
            os.close(self.tell_child)
        return {}

    def environment(self) -> dict[str, str]:
        return {}

    def list_moved(self) -> list[list[str]]:
        return []
