"""How the project's own files say that it is deployed, as far as the lab does likewise. Only reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import by_name
from statecheck.source.project.data_paths import find_data_folders
from statecheck.source.project.deploy import (
    count_threads,
    count_workers,
    find_container_folders,
    find_file_mounts,
    find_host_name,
    find_own_disks,
    find_volumes,
    is_data_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from statecheck.model import Anchor
    from statecheck.source.code.tree import SourceTree
    from statecheck.source.project.project_files import ProjectFiles
    from statecheck.target.resolve import Target


@dataclass(frozen=True, slots=True)
class Deployment:
    """What outlives a redeploy.

    Attributes:
        volumes: absolute paths.
        files: the volumes that are a file and no folder.
        stand_ins: {path of the container's that is not on this machine: folder of the project that lies there, or ""}.
        workers: the largest number of workers or replicas that is asked for; 0 where no file does.
        own_disks: the line that asks for several copies of which each has the volumes to itself, or None.
        host_name: what each container of the app is called; "" where a new one has another name.
        notes: what the report should say of it.
    """

    volumes: tuple[str, ...]
    files: tuple[str, ...]
    stand_ins: dict[str, str]
    workers: int
    own_disks: Anchor | None
    host_name: str
    notes: tuple[str, ...]


def read_deployment(files: ProjectFiles, tree: SourceTree, target: Target, named: Iterable[Path]) -> Deployment:
    """Return which paths outlive a redeploy: those that were named, and those that the project's files name.

    Where no file says anything of containers, the folders for data are made that the code takes to be there.
    """
    named = tuple(named)
    volumes = tuple(dict.fromkeys(map(str, (*named, *find_volumes(files)))))
    single = dict.fromkeys((*filter(is_data_file, named), *find_file_mounts(files)))
    notes = [f"kept across a redeploy (volumes): {', '.join(volumes)}"] if volumes else []
    configured = count_workers(files)
    if configured is not None:
        number, anchor = configured
        notes.append(f"{anchor} starts {number} {'worker' if number == 1 else 'workers'}")
    folders = find_container_folders(files, target.path).items()
    stand_ins = {inside: str(source or "") for inside, source in folders if not os.path.lexists(inside)}
    if not volumes and not stand_ins:
        tops = {path: "/" + path.split("/")[1] for path in find_data_folders(tree.modules())}
        stand_ins = {path: "" for path, top in tops.items() if not os.path.lexists(top)}
        if stand_ins:
            made = ", ".join(stand_ins)
            notes.append(
                f"made for the app, as a container would have it: {made}; if it outlives one, name it: --volume"
            )
    number = configured[0] if configured is not None else 0
    return Deployment(
        volumes, tuple(map(str, single)), stand_ins, number, find_own_disks(files), find_host_name(files), tuple(notes)
    )


def read_threads(files: ProjectFiles, framework: str) -> tuple[int, list[str]]:
    """Return how many threads a worker has where the app is deployed, 0 if no file says so; and notes of it."""
    stated = count_threads(files) if by_name(framework).has_threads else None
    if stated is None:
        return 0, []
    number, anchor = stated
    return number, [f"{anchor} gives a worker {number} {'thread' if number == 1 else 'threads'}"]
