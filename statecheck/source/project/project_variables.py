"""Variables that a project's own files set: `.env` and its examples, compose and other deployments, Dockerfiles."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.project.deployments import Assignment
from statecheck.source.project.env_text import expand, read_env_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statecheck.source.project.project_files import ProjectFiles

_EXAMPLE = re.compile(r"example|sample|template|dist")
_MOST_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class ProjectVariable:
    """A variable that a file sets.

    Attributes:
        example: the file is an example of what to set, and sets nothing itself.
    """

    value: str
    anchor: Anchor
    example: bool


def find_variables(files: ProjectFiles) -> dict[str, ProjectVariable]:
    """Return the variables that the project's files set.

    Of several files the uppermost wins; of those in one folder `.env` does, then compose, then Kubernetes or a
    function's template, then a Dockerfile. Examples come last. A value that is made of other variables stands for
    their defaults.
    """
    found: dict[str, ProjectVariable] = {}
    for path, assignments in sorted(_read_files(files), key=lambda pair: _rank(pair[0], files.project)):
        example = _is_example(path)
        shown = files.show(path)
        for one in assignments:
            found.setdefault(one.name, ProjectVariable(one.value, Anchor(shown, one.line), example))
    return found


def _is_example(path: Path) -> bool:
    """Whether a file shows what to set: not a cloud's own `template.yaml`."""
    return _EXAMPLE.search(path.name) is not None and path.stem != "template"


def _rank(path: Path, project: Path) -> tuple[bool, tuple[str, ...]]:
    return _is_example(path), Path(os.path.relpath(path.parent, project)).parts


def _read_files(files: ProjectFiles) -> Iterator[tuple[Path, tuple[Assignment, ...]]]:
    """Yield what each file sets, that which holds first: the last of an `.env`, the service that is built here."""
    for path in files.by_kind["env"]:
        yield path, tuple(_reverse(_read_env(files.text(path)[:_MOST_CHARACTERS])))
    for path in files.by_kind["compose"]:
        services = [service for deployment in files.deployments(path) for service in deployment.services]
        yield path, tuple(one for service in services for one in service.environment)
    for path in (*files.by_kind["yaml"], *files.by_kind["platform"]):
        yield path, tuple(one for deployment in files.deployments(path) for one in deployment.environment)
    for path in files.by_kind["dockerfile"]:
        yield path, tuple(_reverse(files.image(path, path.parent).environment))


def _read_env(text: str) -> Iterator[Assignment]:
    known: dict[str, str] = {}
    for line in read_env_lines(text):
        value = expand(line.value, known, strict=True) if line.name and line.value else None
        if value:
            known[line.name] = value
            yield Assignment(line.name, value, line.line)


def _reverse(assignments: Iterable[Assignment]) -> list[Assignment]:
    return [*assignments][::-1]
