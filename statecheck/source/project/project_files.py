"""The files of a project that say how it is deployed and what it is given: each found, read and decoded once."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from statecheck.errors import StatecheckError
from statecheck.source.code.files import directories
from statecheck.source.code.reading import exists, is_file
from statecheck.source.code.sources import Sources
from statecheck.source.project.deployments import Deployment, read_deployment
from statecheck.source.project.dockerfiles import Image, read_image
from statecheck.source.project.documents import read_documents
from statecheck.source.project.platforms import read_platform

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator, Mapping

    from statecheck.source.project.deployments import Build

FileKind = Literal["commands", "compose", "dockerfile", "env", "gunicorn", "plain", "platform", "yaml"]

_KINDS: tuple[tuple[FileKind, re.Pattern[str]], ...] = (
    ("compose", re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")),
    ("dockerfile", re.compile(r"Dockerfile|Containerfile|Dockerfile\..+|.+\.[Dd]ockerfile")),
    ("yaml", re.compile(r".+\.ya?ml")),
    ("env", re.compile(r"\.env(\..+)?|.+\.env|env\.(example|sample)")),
    ("platform", re.compile(r"fly([.-][\w.-]+)?\.toml|railway\.toml")),
    ("plain", re.compile(r"Procfile(\..+)?|.+\.sh|nixpacks\.toml|supervisord?\.conf|.+\.service")),
    ("commands", re.compile(r"README(\.\w+)?|DEPLOY\w*\.md|[Mm]akefile|[Jj]ustfile", re.IGNORECASE)),
    ("gunicorn", re.compile(r"gunicorn(\.conf|_conf|_config)\.py")),
)
_DEPLOYS = re.compile(
    rb"[rR]eplicas|persistentVolumeClaim|mountPath|volumeClaimTemplates|numInstances|(min|max)Instances"
    rb"|AWS::(Serverless|Lambda)::Function|^functions:|^kind:\s*(Deployment|StatefulSet)",
    re.MULTILINE,
)
_MAX_DEPTH, _MAX_FILES = 4, 400
_ABOVE = tuple(f"{name}.{suffix}" for name in ("compose", "docker-compose") for suffix in ("yaml", "yml"))
_FURTHEST_ABOVE = 2
_T = TypeVar("_T")


class ProjectFiles:
    """What the files of one project say. Those that cannot be read say nothing; none is looked for before it is asked.

    Attributes:
        project: its folder.
    """

    def __init__(self, project: Path, sources: Sources | None = None) -> None:
        self.project = project
        self._sources = sources or Sources()
        self._images: dict[tuple[Path, Path], Image] = {}
        self._deployments: dict[Path, tuple[Deployment, ...]] = {}

    @cached_property
    def by_kind(self) -> Mapping[FileKind, tuple[Path, ...]]:
        """The files of each kind, those of upper folders first.

        A compose file may also lie above, in a repository of several parts of which the project is one that it builds.
        """
        found: dict[FileKind, list[Path]] = {kind: [] for kind, _ in _KINDS}
        for folder, names in directories(self.project, _MAX_DEPTH):
            if sum(map(len, found.values())) > _MAX_FILES:
                break
            for name in names:
                kind = next((kind for kind, form in _KINDS if form.fullmatch(name)), None)
                if kind is not None:
                    found[kind].append(folder / name)
        if not found["compose"]:
            found["compose"] += filter(self._is_built_by, _list_above(self.project))
        return {kind: tuple(files) for kind, files in found.items()}

    def show(self, path: Path) -> str:
        """Return a file's path as people write it in the project."""
        return Path(os.path.relpath(path, self.project)).as_posix()

    def read(self, path: Path) -> bytes:
        """Return a file's bytes."""
        return self._sources.peek(path)

    def syntax(self, path: Path) -> ast.Module | None:
        """Return the syntax tree of a file of Python, or None if it cannot be read."""
        try:
            return self._sources.parse(path, path.name)[1]
        except StatecheckError:
            return None

    def text(self, path: Path) -> str:
        """Return a file's text."""
        return self.read(path).decode("utf-8-sig", "replace")

    def image(self, dockerfile: Path, context: Path) -> Image:
        """Return what a Dockerfile makes of a build context."""
        return _remember(self._images, (dockerfile, context), lambda: read_image(self.text(dockerfile), context))

    def deployments(self, path: Path) -> tuple[Deployment, ...]:
        """Return what a platform's file deploys, or the documents of YAML; what has no word of it says nothing."""
        return _remember(self._deployments, path, lambda: self._decode(path))

    def _decode(self, path: Path) -> tuple[Deployment, ...]:
        if not path.is_relative_to(self.project):
            return self._read_above(path)
        if path in self.by_kind["platform"]:
            return (read_platform(self.text(path)),)
        data = self.read(path)
        worth = path in self.by_kind["compose"] or _DEPLOYS.search(data)
        return tuple(map(read_deployment, read_documents(data))) if worth else ()

    def _is_built_by(self, path: Path) -> bool:
        return any(deployment.built for deployment in self._read_above(path))

    def _read_above(self, path: Path) -> tuple[Deployment, ...]:
        """Return what a compose file above deploys, which builds other parts of its repository as well."""

        def builds(build: Build) -> bool:
            context = os.path.normpath(path.parent / build.context)
            dockerfile = Path(os.path.normpath(Path(context, build.dockerfile)))
            return context == str(self.project) or dockerfile.is_relative_to(self.project)

        return tuple(read_deployment(document, builds) for document in read_documents(self.read(path)))


def _list_above(project: Path) -> Iterator[Path]:
    """Yield the compose files above a project, up to where its repository begins."""
    for folder in (project, *project.parents)[:_FURTHEST_ABOVE]:
        if exists(folder / ".git"):
            return
        yield from filter(is_file, (folder.parent / name for name in _ABOVE))


_Key = TypeVar("_Key")


def _remember(known: dict[_Key, _T], key: _Key, find: Callable[[], _T]) -> _T:
    if key not in known:
        known[key] = find()
    return known[key]
