"""Disks without namespaces: each is a copy of the project, with a home and a temporary folder of its own."""

from __future__ import annotations

import os
import shutil
import site
from pathlib import Path
from typing import TYPE_CHECKING

from .confinement import Confinement
from .disks import find_experiment, find_holders
from .masked_files import Masks
from .project_copies import copy_folder, place_file

if TYPE_CHECKING:
    from .channel import Message
    from .disks import Entering


_OF_PACKAGES = "PYTHONUSERBASE"


class CopiedDisks:
    """The fallback: each disk is a copy of the project with a home and temporary folder of its own.

    Absolute paths outside the copy are the real ones: where the kernel has Landlock nothing can be written there, and
    the guard reports whoever tries; what it reports is judged as unknown.
    """

    name = "copy"

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder = folder
        self.masks = Masks()
        self.project = project
        self._shared: dict[str, list[tuple[Path, Path]]] = {}  # {experiment: (where it is, the volume) each}
        self._gone = 0
        variables = _list_variables(folder / "warm")  # libraries may write when they are imported
        for name, place in variables.items():
            if name != _OF_PACKAGES:  # the user's own, which may not be there
                Path(place).mkdir(parents=True, exist_ok=True)
        os.environ.update(variables)
        os.chdir(folder / "warm")
        self.confinement = Confinement(str(folder))

    @property
    def limits(self) -> tuple[str, ...]:
        """What this isolation cannot prevent, in words for the report."""
        return tuple(self.confinement.list_limits())

    def prepare_entry(self, disk: str, request: Message) -> Entering:
        """A copy of the project for a new disk."""
        place = self.folder / disk
        ports = [*request["provided"], *request["handed_over"]]
        self.confinement.confine(self.masks.hidden(), ports)
        if not place.is_dir():
            for part in ("home", "tmp"):
                (place / part).mkdir(parents=True)
            copy_folder(str(self.project), str(place / "project"))
            self.masks.copy(str(self.project), str(place / "project"))
            for number, volume in enumerate(request["volumes"]):
                self._link(disk, Path(volume), number, is_file=volume in request["files"])
        return _CopiedEntering(self, place, ports)

    def _link(self, disk: str, volume: Path, number: int, *, is_file: bool) -> None:
        if self.project not in volume.parents:
            return
        experiment, place = find_experiment(disk), self.folder / disk
        here, shared = (
            place / "project" / volume.relative_to(self.project),
            self.folder / "volumes" / experiment / str(number),
        )
        if is_file:
            self._link_file(here, shared / volume.name)
            self._shared.setdefault(experiment, []).append((shared, volume.parent))
            return
        if not shared.is_dir():
            shared.parent.mkdir(parents=True, exist_ok=True)
            copy_folder(str(here), str(shared)) if here.is_dir() else shared.mkdir()
        if here.is_dir():
            shutil.rmtree(here)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(shared)
        self._shared.setdefault(experiment, []).append((shared, volume))

    def _link_file(self, here: Path, shared: Path) -> None:
        if not shared.is_file():
            shared.parent.mkdir(parents=True, exist_ok=True)
            place_file(str(here), str(shared))
        here.unlink(missing_ok=True)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(shared)

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """What the copy holds, and the volumes that it leads to."""
        place = self.folder / disk
        layers = {str(place / "project"): str(self.project), str(place): str(place)}
        layers |= {str(shared): str(volume) for shared, volume in self._shared.get(find_experiment(disk), ())}
        found: dict[str, Message] = {}
        for path, message in find_holders(layers, markers):
            found.setdefault(path, message)
        return list(found.values())

    def processes(self, disk: str) -> list[int]:  # noqa: ARG002 - nothing tells them apart here
        """None that are known: the warden takes them along at the end."""
        return []

    def forget(self, prefix: str) -> None:
        """Remove the copies, which takes a while: in a process of its own."""
        found = [path for path in (self.folder / prefix, self.folder / "volumes" / prefix) if path.is_dir()]
        gone = []
        for path in found:
            self._gone += 1
            gone.append(path.rename(self.folder / f"gone-{self._gone}"))
        if gone and os.fork() == 0:
            for path in gone:
                shutil.rmtree(path, ignore_errors=True)
            os._exit(0)


class _CopiedEntering:
    def __init__(self, disks: CopiedDisks, place: Path, ports: list[int]) -> None:
        self.disks, self.place, self.ports = disks, place, ports
        self.unheld = not disks.confinement.version

    def __enter__(self) -> None:
        """Nothing is to be done: it is a folder like any other."""

    def __exit__(self, *raised: object) -> None:
        """Nothing is to be undone."""

    def arrive(self) -> None:
        os.chdir(self.place / "project")
        self.disks.confinement.arrive(self.ports, str(self.disks.folder))

    def environment(self) -> dict[str, str]:
        return _list_variables(self.place)

    def list_moved(self) -> list[list[str]]:
        return [[str(self.disks.project), str(self.place / "project")]]


def _list_variables(place: Path) -> dict[str, str]:
    """Variables that lead what honours them to a home and temporary folder of this place."""
    home, temporary = str(place / "home"), str(place / "tmp")
    folders = {f"XDG_{kind}_HOME": f"{home}/.{kind.lower()}" for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
    if site.ENABLE_USER_SITE:  # packages of the user's stay where they are
        folders[_OF_PACKAGES] = str(site.USER_BASE)
    return {"HOME": home, "TMPDIR": temporary, "TMP": temporary, "TEMP": temporary, **folders}
