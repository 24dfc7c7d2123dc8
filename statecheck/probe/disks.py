"""The disks of a run: what a restart keeps and a redeploy loses.

A disk is named `<experiment>/<number>`; the volumes of an experiment are shared by its disks.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .channel import Message
    from .masked_files import Masks

_MOST_BYTES = 16 << 20  # of one file that is searched for markers


class Entering(Protocol):
    """How one worker gets onto its disk: it is forked while its parent is there, so all that it starts is there too.

    Attributes:
        unheld: the kernel does not keep it there: the machine's own files can be written to.
    """

    unheld: bool

    def __enter__(self) -> None:
        """In the parent: be on the disk.

        Raises:
            OSError: it cannot be made, and why.
        """

    def __exit__(self, *raised: object) -> None:
        """In the parent: be where it was."""

    def arrive(self) -> None:
        """In the child: begin there.

        Raises:
            OSError: it is not as it should be.
        """

    def environment(self) -> dict[str, str]:
        """In the child: variables that the place needs."""

    def list_moved(self) -> list[list[str]]:
        """In the child: [original path, path here] of the trees that were copied."""


class Disks(Protocol):
    """All disks of a run."""

    name: str
    masks: Masks

    @property
    def limits(self) -> tuple[str, ...]:
        """What this isolation cannot prevent, in words for the report."""

    @property
    def folder(self) -> str | Path:
        """Where the run may keep what ends with it."""

    def prepare_entry(self, disk: str, request: Message) -> Entering:
        """The way onto this disk, which is made if it is new.

        Args:
            request: its `volumes` are absolute paths that the disks of an experiment share, its `stand_ins` {path of
                the container's: folder of the project that lies there, or ""}; `own_network`: has it a loopback.
        """

    def files(self, disk: str, markers: list[str]) -> list[Message]:
        """Files written on this disk that hold one of the markers: {path, markers}."""

    def processes(self, disk: str) -> list[int]:
        """The processes that are on a disk, as far as that can be told."""

    def forget(self, prefix: str) -> None:
        """Give back the disks whose names begin so; no process is on them any more."""


def find_experiment(disk: str) -> str:
    """The lab and the experiment that a disk is of, as its name has them."""
    return disk.rsplit("/", 1)[0]


def find_holders(layers: dict[str, str], markers: list[str]) -> Iterator[tuple[str, Message]]:
    """Yield the files that hold one of the markers: where each lies, and {path, markers}.

    Args:
        layers: {folder: what it stands for}.
        markers: what to look for.
    """
    for layer, stands_for in layers.items():
        for folder, _, names in os.walk(layer):
            for path in (f"{folder}/{name}" for name in names):
                present = _markers_in(path, markers)
                if present:
                    yield path, {"path": stands_for + path[len(layer) :], "markers": present}


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
