"""Disks without namespaces: each is a copy of the project, with a home and a temporary folder of its own."""

from __future__ import annotations

import os
import shutil
import site
from pathlib import Path
from typing import TYPE_CHECKING

from .disks import find_holders
from .masked_files import Masks

if TYPE_CHECKING:
    from .channel import Message
    from .disks import Entering

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
        for name, place in _make_folders(folder / "warm").items():  # libraries may write when they are imported
            Path(place).mkdir(parents=True, exist_ok=True)
            os.environ[name] = place
        os.chdir(folder / "warm")

    def prepare_entry(self, disk: str, request: Message) -> Entering:
        """A copy of the project for a new disk."""
        place = self.folder / disk
        if not place.is_dir():
            for part in ("home", "tmp"):
                (place / part).mkdir(parents=True)
            shutil.copytree(self.project, place / "project", symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
            self.masks.copy(str(self.project), str(place / "project"))
            for number, volume in enumerate(request["volumes"]):
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
        for path, message in find_holders(layers, markers):
            found.setdefault(path, message)
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

    def __enter__(self) -> None:
        """Nothing is to be done: it is a folder like any other."""

    def __exit__(self, *raised: object) -> None:
        """Nothing is to be undone."""

    def arrive(self) -> None:
        os.chdir(self.place / "project")

    def environment(self) -> dict[str, str]:
        return _make_folders(self.place)

    def list_moved(self) -> list[list[str]]:
        return [[str(self.project), str(self.place / "project")]]


def _make_folders(place: Path) -> dict[str, str]:
    """Variables that lead what honours them to a home and temporary folder of this place."""
    home, temporary = str(place / "home"), str(place / "tmp")
    folders = {f"XDG_{kind}_HOME": f"{home}/.{kind.lower()}" for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
    if site.ENABLE_USER_SITE:  # packages of the user's stay where they are
        folders["PYTHONUSERBASE"] = str(site.USER_BASE)
    return {"HOME": home, "TMPDIR": temporary, "TMP": temporary, "TEMP": temporary, **folders}
