"""The disks of a run: what a restart keeps and a redeploy loses, by overlay layers or, without namespaces, by copies.

A disk is named `<experiment>/<number>`; the volumes of an experiment are shared by its disks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from . import mounts
from .masks import Masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .channel import Message

_MOST_BYTES = 16 << 20  # of one file that is searched for markers
_NOT_COPIED = (
    ".git",
    ".hg",
    ".venv",
    "venv",
    "node_modules",
    ".statecheck",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
)


class Entering(Protocol):
    """How one worker gets onto its disk: the first two run in the parent and child, at the same time."""

    def entered(self, pid: int) -> Message:
        """In the parent: wait until the child is there. Returns what to tell the lab."""

    def enter(self) -> None:
        """In the child: get there."""

    def environment(self) -> dict[str, str]:
        """In the child: variables that the place needs."""

    def moved(self) -> list[list[str]]:
        """In the child: [original path, path here] of the trees that were copied."""


class Disks(Protocol):
    """All disks of a run."""

    name: str
    masks: Masks

    @property
    def folder(self) -> str | Path:
        """Where the run may keep what ends with it."""

    def entering(self, disk: str, volumes: list[str], *, own_network: bool) -> Entering:
        """The way onto this disk, which is made if it is new."""

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """Files written on this disk that hold one of the markers: {path, markers}."""

    def processes(self, disk: str) -> list[int]:
        """The processes that are on a disk, as far as that can be told."""

    def forget(self, prefix: str) -> None:
        """Give back the disks whose names begin so; no process is on them any more."""


def open_disks(setup: Message) -> Disks:
    """Prepare disks as the setup message asks: `isolation` namespace or copy.

    Raises:
        OSError: the kernel does not allow it.
    """
    if setup["isolation"] == "copy":
        return CopiedDisks(Path(setup["folder"]), Path(setup["project"]))
    return LayeredDisks(setup["project"], setup["keep"])


def _markers_in(path: str, wanted: list[str]) -> list[str]:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return []
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES)
    except OSError:
        return []
    name = os.path.basename(path)
    return [marker for marker in wanted if marker.encode() in data or marker in name]


def _experiment(disk: str) -> str:
    return disk.rsplit("/", 1)[0]


def _walk(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield f"{parent}/{name}"


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

    def entering(self, disk: str, volumes: list[str], *, own_network: bool) -> Entering:
        """A namespace of its own for a new disk, the one that exists for a known disk."""
        self._volumes[_experiment(disk)] = volumes
        return _LayeredEntering(self, disk, volumes, own_network=own_network)

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """What the disk's upper layers hold, and what was written to the volumes."""
        layers = [
            (str(layer), (layer.parent / "lower").read_text(encoding="utf-8", errors="surrogateescape").rstrip("/"))
            for layer in sorted(Path(f"{self.folder}/{disk}").glob("*/upper"))
        ]
        experiment = _experiment(disk)
        for number, volume in enumerate(self._volumes.get(experiment, ())):
            shared = f"{self.folder}/volumes/{experiment}/{number}"
            layers.append((f"{shared}/upper" if os.path.isdir(f"{shared}/upper") else f"{shared}/merged", volume))
        found = []
        for layer, stands_for in layers:
            for path in _walk(layer):
                present = _markers_in(path, markers)
                if present:
                    found.append({"path": stands_for + path[len(layer) :], "markers": present})
        return found

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

    def entered(self, pid: int) -> Message:
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

    def moved(self) -> list[list[str]]:
        return []


class CopiedDisks:
    """The fallback: each disk is a copy of the project with a home and temporary folder of its own.

    Absolute paths outside the copy are the real ones; the guard reports writes there, and what it reports is
    judged as unknown.
    """

    name = "copy"

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder = folder
        self.masks = Masks()
        self.project = project
        self._shared: dict[str, list[tuple[Path, Path]]] = {}  # {experiment: (where it is, the volume) each}
        for name, place in _own_folders(folder / "warm").items():  # libraries may write when they are imported
            Path(place).mkdir(parents=True, exist_ok=True)
            os.environ[name] = place
        os.chdir(folder / "warm")

    def entering(self, disk: str, volumes: list[str], *, own_network: bool) -> Entering:  # noqa: ARG002 - there is one
        """A copy of the project for a new disk."""
        place = self.folder / disk
        if not place.is_dir():
            for part in ("home", "tmp"):
                (place / part).mkdir(parents=True)
            shutil.copytree(self.project, place / "project", symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
            self.masks.copy(str(self.project), str(place / "project"))
            for number, volume in enumerate(volumes):
                self._link(place, Path(volume), self.folder / "volumes" / place.parent.name / str(number))
        return _CopiedEntering(place, self.project)

    def _link(self, place: Path, volume: Path, shared: Path) -> None:
        if self.project not in volume.parents:
            return
        here = place / "project" / volume.relative_to(self.project)
        if not shared.is_dir():
            shared.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(here, shared, symlinks=True) if here.is_dir() else shared.mkdir()
        if here.is_dir():
            shutil.rmtree(here)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(shared)
        self._shared.setdefault(place.parent.name, []).append((shared, volume))

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """What the copy holds, and the volumes that it leads to."""
        place = self.folder / disk
        layers = {str(place / "project"): str(self.project), str(place): str(place)}
        layers |= {str(shared): str(volume) for shared, volume in self._shared.get(place.parent.name, ())}
        found: dict[str, Message] = {}
        for layer, stands_for in layers.items():
            for path in _walk(layer):
                present = _markers_in(path, markers)
                if present:
                    found.setdefault(path, {"path": stands_for + path[len(layer) :], "markers": present})
        return list(found.values())

    def processes(self, disk: str) -> list[int]:  # noqa: ARG002 - nothing tells them apart here
        """None that are known: the warden takes them along at the end."""
        return []

    def forget(self, prefix: str) -> None:
        """Remove the copies."""
        for folder in (self.folder / prefix, self.folder / "volumes" / prefix):
            shutil.rmtree(folder, ignore_errors=True)


class _CopiedEntering:
    def __init__(self, place: Path, project: Path) -> None:
        self.place, self.project = place, project

    def enter(self) -> None:
        os.chdir(self.place / "project")

    def entered(self, pid: int) -> Message:  # noqa: ARG002 - there is nothing to wait for
        return {}

    def environment(self) -> dict[str, str]:
        return _own_folders(self.place)

    def moved(self) -> list[list[str]]:
        return [[str(self.project), str(self.place / "project")]]


def _own_folders(place: Path) -> dict[str, str]:
    """Variables that lead what honours them to a home and temporary folder of this place."""
    home, temporary = str(place / "home"), str(place / "tmp")
    folders = {f"XDG_{kind}_HOME": f"{home}/.{kind.lower()}" for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
    return {"HOME": home, "TMPDIR": temporary, "TMP": temporary, "TEMP": temporary, **folders}
