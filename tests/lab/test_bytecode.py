"""Packages without `.pyc` files are compiled once, not in every run, and an edit of one is never missed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from statecheck.kept.bytecode import archive_path
from statecheck.lab.environment.surroundings import Surroundings
from statecheck.lab.workers.launch import isolate, launch
from statecheck.lab.workers.pool import Lab
from statecheck.target.interpreters import OWN

if TYPE_CHECKING:
    from pathlib import Path

MODULES = 60


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A package of many modules, and nothing compiled beside them."""
    package = tmp_path / "site" / "bulky"
    package.mkdir(parents=True)
    names = [f"m{number}" for number in range(MODULES)]
    for name in names:
        (package / f"{name}.py").write_text("WORD = 'old'\n")
    (package / "__init__.py").write_text(f"from . import {', '.join(names)}\n")
    return package


def compiled(library: Path, project: Path) -> int:
    """How many modules a run in this project had to compile."""
    environment = {**os.environ, "PYTHONPATH": str(library.parent)}
    archive = archive_path(project, OWN.python)
    launched = isolate(launch(Surroundings((project,), OWN, environment, archive=archive)), project)
    lab = Lab(launched, {"roots": [str(project)]}, 60.0, "run")
    try:
        lab.warm(("bulky",))
        return lab.compiled
    finally:
        lab.close()
        launched.stop()


def test_they_are_compiled_once_and_again_where_they_change(library: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()

    assert compiled(library, project) == MODULES + 1
    assert compiled(library, project) == 0

    edited = library / "m7.py"
    before = edited.stat()
    edited.write_text("WORD = 'new'\n")  # neither its size nor its time tells
    os.utime(edited, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert compiled(library, project) == 1

    assert not (library / "__pycache__").exists()
    assert sorted(path.name for path in (project / ".statecheck").iterdir()) == [".gitignore", "CACHEDIR.TAG", "cache"]


@pytest.mark.parametrize("damage", ["cut", "changed", "of another Python"])
def test_an_archive_that_is_damaged_is_made_anew(library: Path, tmp_path: Path, damage: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    compiled(library, project)
    archive = archive_path(project, OWN.python)
    whole = archive.read_bytes()
    head = whole.replace(b"bytecode 1", b"bytecode 0")
    archive.write_bytes({"cut": whole[:-1], "changed": whole[:-1] + b"?", "of another Python": head}[damage])

    assert compiled(library, project) == MODULES + 1
    assert compiled(library, project) == 0


def test_where_nothing_can_be_written_nothing_is_kept(library: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".statecheck").write_text("a file of the user's")

    assert compiled(library, project) == MODULES + 1
    assert (project / ".statecheck").read_text() == "a file of the user's"
