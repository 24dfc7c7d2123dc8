"""What a project and its volumes hold when a run begins: of what changes meanwhile, not all workers see the same."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.model import TREE_CHANGED
from statecheck.source.code.files import directories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_MOST_FILES = 20_000
_CHANGES_ANYWAY = (".log", ".pyc")  # of a server that is running beside, and of an interpreter


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files that were there, each with when it was changed and its size; an empty one may be a report to come."""

    files: Mapping[str, tuple[int, int]]

    def check(self, project: Path) -> None:
        """Look again.

        Raises:
            StatecheckError: a file is not as it was.
        """
        for file, seen in self.files.items():
            if _look(file) != seen:
                name = os.path.relpath(file, project) if file.startswith(f"{project}/") else file
                raise StatecheckError(
                    TREE_CHANGED,
                    f"`{name}` changed while the target was run, so not all of its workers saw the same",
                    "run it again, and leave the project and its volumes alone until it has ended",
                    ExitCode.INCONCLUSIVE,
                )


def take_snapshot(project: Path, volumes: Iterable[str]) -> Snapshot:
    """Look at the user's own files below a project, and at all files of its volumes, up to a number."""
    found: dict[str, tuple[int, int]] = {}
    for file in islice(chain(_list_project(project), _list_volumes(volumes)), _MOST_FILES):
        seen = _look(file)
        if seen is not None and seen[1]:
            found[file] = seen
    return Snapshot(found)


def _list_project(project: Path) -> Iterator[str]:
    for folder, names in directories(project):
        yield from (f"{folder}/{name}" for name in names if not name.endswith(_CHANGES_ANYWAY))


def _list_volumes(volumes: Iterable[str]) -> Iterator[str]:
    for volume in volumes:
        for folder, _, names in os.walk(volume):
            yield from (f"{folder}/{name}" for name in names if not name.endswith(_CHANGES_ANYWAY))


def _look(file: str) -> tuple[int, int] | None:
    """When a file was changed, and its size; None where there is none."""
    try:
        status = os.stat(file)  # noqa: PTH116 - thousands of them, while somebody waits
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else None
