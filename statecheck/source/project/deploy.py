"""What the project's own deployment files say: which paths outlive a container, how many workers and threads serve.

Files that cannot be read or understood say nothing; they are never an error.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.model import Anchor
from statecheck.source.code import reading
from statecheck.source.code.files import directories
from statecheck.source.project.dockerfiles import Image, read_image
from statecheck.source.project.yaml import Node, Text, documents, get, items, pairs, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVER = re.compile(r"gunicorn|uvicorn|waitress|hypercorn|granian|fastapi\s+run|sanic|uwsgi|WEB_CONCURRENCY")
_NUMBER = r"""["'\s=,:-]*(?:\$\{\w+:-)?["']?(\d{1,4})\b"""
_WORKERS = re.compile(rf"(?:--workers?|--processes|(?<![\w-])-w|\bWEB_CONCURRENCY\b){_NUMBER}")
_THREADS = re.compile(rf"--threads{_NUMBER}")
_GREEN = re.compile(rb"\b(gevent|eventlet|tornado)\b")
_COMPOSE = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")
_DOCKERFILE = re.compile(r"Dockerfile|Containerfile|Dockerfile\..+|.+\.[Dd]ockerfile")
_PLAIN = re.compile(r"Procfile(\..+)?|\.env|.+\.sh|fly\.toml|nixpacks\.toml|supervisord?\.conf|.+\.service")
_DEPLOYED = re.compile(rb"^\s*\[tool\.(llamadeploy|llama_deploy|llamaagents)[\].]", re.MULTILINE)
_MAX_DEPTH, _MAX_FILES = 4, 400


@dataclass(frozen=True, slots=True)
class _Files:
    """The deployment files of a project."""

    dockerfiles: tuple[Path, ...]
    compose: tuple[Path, ...]
    yaml: tuple[Path, ...]
    plain: tuple[Path, ...]
    gunicorn: tuple[Path, ...]


def volumes(project: Path) -> tuple[Path, ...]:
    """Return the paths that outlive a container, as the app sees them when it runs from its project.

    Container paths below the working directory are given as paths in the project, others as they are. They
    come from compose (`volumes`, but not a bind mount of source code), Dockerfile (`VOLUME`) and Kubernetes
    (`volumeMounts` of a PersistentVolumeClaim).
    """
    files = _files(project)
    found: dict[Path, None] = {}
    images = [(path.parent, read_image(path, path.parent)) for path in files.dockerfiles]
    default = images[0] if images else (project, Image(PurePosixPath("/app"), (), (), ()))
    for context, image in images:
        for inside in image.volumes:
            found.update(dict.fromkeys(image.places(inside, context, project)))
    for path in files.compose:
        for document in _documents(path):
            for service in _own_services(document):
                context, image = _image(service, path.parent, default)
                image = _in(text(get(service, "working_dir")), image)
                for inside in _mounted(service, path.parent):
                    found.update(dict.fromkeys(image.places(inside, context, project)))
    for path in files.yaml:
        for document in _documents(path):
            for workdir, inside in _claimed(document):
                found.update(dict.fromkeys(_in(workdir, default[1]).places(inside, default[0], project)))
    return tuple(path for path in found if path != project)


def workers(project: Path) -> tuple[int, Anchor] | None:
    """Return the largest number of workers or replicas that a deployment file asks for, and where, or None."""
    files = _files(project)
    found = _stated(files, _WORKERS, "workers")
    for path in (*files.compose, *files.yaml):
        for document in _documents(path):
            found += [(int(count), path, count.line) for count in _replicas(document) if count.isdigit()]
    return _largest(found, project)


def threads(project: Path) -> tuple[int, Anchor] | None:
    """Return the largest number of threads that a deployment file gives a worker, and where, or None.

    None as well where it names another kind of worker, which has no threads but overlaps as it likes.
    """
    files = _files(project)
    if any(
        _GREEN.search(reading.peek(path))
        for path in (*files.plain, *files.dockerfiles, *files.compose, *files.yaml, *files.gunicorn)
    ):
        return None
    return _largest(_stated(files, _THREADS, "threads"), project)


def _stated(files: _Files, option: re.Pattern[str], name: str) -> list[tuple[int, Path, int]]:
    """Return (number, file, line) of each place that states one: by an option of a server, or gunicorn's setting."""
    found: list[tuple[int, Path, int]] = []
    for path in (*files.plain, *files.dockerfiles, *files.compose, *files.yaml):
        asked = _asked(reading.peek(path).decode("utf-8", "replace"), option)
        found += [(number, path, line) for number, line in asked]
    for path in files.gunicorn:
        found += [(number, path, line) for number, line in _configured(reading.peek(path), name)]
    return found


def _largest(found: list[tuple[int, Path, int]], project: Path) -> tuple[int, Anchor] | None:
    if not found:
        return None
    number, path, line = max(found, key=lambda one: one[0])
    return number, Anchor(path.relative_to(project).as_posix(), line)


def serves_workflows(project: Path) -> bool:
    """Whether the project is deployed by LlamaIndex's own tool: its user interface then talks to the workflow."""
    if any((project / name).is_file() for name in ("llama_deploy.yml", "llama_deploy.yaml")):
        return True
    return _DEPLOYED.search(reading.peek(project / "pyproject.toml")) is not None


def _files(project: Path) -> _Files:
    groups: tuple[list[Path], ...] = ([], [], [], [], [])
    for folder, names in directories(project):
        if len(folder.relative_to(project).parts) > _MAX_DEPTH or sum(map(len, groups)) > _MAX_FILES:
            break
        for name in names:
            if _COMPOSE.fullmatch(name):
                groups[1].append(folder / name)
            elif _DOCKERFILE.fullmatch(name):
                groups[0].append(folder / name)
            elif name.endswith((".yaml", ".yml")):
                groups[2].append(folder / name)
            elif _PLAIN.fullmatch(name):
                groups[3].append(folder / name)
            elif name in ("gunicorn.conf.py", "gunicorn_conf.py", "gunicorn_config.py"):
                groups[4].append(folder / name)
    return _Files(*map(tuple, groups))


def _documents(path: Path) -> list[Node]:
    data = reading.peek(path)
    if len(data) > 500_000:
        return []
    return documents(data.decode("utf-8", "replace"))


def _own_services(document: Node) -> list[Node]:
    """Return the services that are built from the project; all of them if none says how it is built."""
    services = [service for _, service in pairs(get(document, "services"))]
    return [service for service in services if get(service, "build") is not None] or services


def _image(service: Node, folder: Path, default: tuple[Path, Image]) -> tuple[Path, Image]:
    """Return a service's build context and what its Dockerfile says."""
    build = get(service, "build")
    if build is None:
        return default
    context = folder / (text(build) or text(get(build, "context")) or ".")
    dockerfile = context / (text(get(build, "dockerfile")) or "Dockerfile")
    return (context, read_image(dockerfile, context)) if reading.is_file(dockerfile) else (context, default[1])


def _in(workdir: str, image: Image) -> Image:
    """Return an image where a deployment sets another working directory: the project is taken to lie there."""
    return Image(PurePosixPath(workdir), (), (), ()) if workdir else image


def _mounted(service: Node, folder: Path) -> Iterator[PurePosixPath]:
    """Yield the container paths of a service's volumes: short syntax (`data:/app/data:rw`) and long."""
    for item in items(get(service, "volumes")):
        if isinstance(item, Text):
            parts = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", item).split(":")
            source, inside, options = (parts[0], parts[1], parts[2:]) if len(parts) > 1 else ("", parts[0], [])
            read_only = "ro" in ",".join(options).split(",")
        else:
            source, inside = text(get(item, "source")), text(get(item, "target"))
            read_only = text(get(item, "read_only")) == "true"
            if text(get(item, "type")) == "tmpfs":
                continue
        if inside.startswith("/") and not read_only and not _is_source(source, folder):
            yield PurePosixPath(inside)


def _is_source(source: str, folder: Path) -> bool:
    """Whether a bind mount is the code itself, for development, or a single file such as a socket."""
    if not source.startswith((".", "/", "~", "$")):
        return False
    place = folder / source
    if source in (".", "./", "..", "../") or reading.is_file(place) or source.endswith(".sock"):
        return True
    return reading.is_dir(place) and any(name.endswith(".py") for _, names in directories(place) for name in names)


def _claimed(document: Node) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield (working directory, mount path) of a Kubernetes workload that a PersistentVolumeClaim backs."""
    for owner in (document, get(document, "spec", "jobTemplate")):
        pod = get(owner, "spec", "template", "spec") or (get(owner, "spec") if owner is document else None)
        claims = {
            text(get(volume, "name"))
            for volume in items(get(pod, "volumes"))
            if get(volume, "persistentVolumeClaim") is not None
        }
        claims |= {text(get(claim, "metadata", "name")) for claim in items(get(owner, "spec", "volumeClaimTemplates"))}
        for container in items(get(pod, "containers")):
            for mount in items(get(container, "volumeMounts")):
                if text(get(mount, "name")) in claims and text(get(mount, "mountPath")).startswith("/"):
                    yield text(get(container, "workingDir")), PurePosixPath(text(get(mount, "mountPath")))


def _replicas(document: Node) -> Iterator[Text]:
    """How many copies of the app a compose file, a Kubernetes workload or a Render file asks for."""
    found = [get(service, "deploy", "replicas") for service in _own_services(document)]
    found += [get(document, "spec", "replicas"), get(document, "spec", "minReplicas")]
    for service in items(get(document, "services")):
        found += [get(service, "numInstances"), get(service, "scaling", "minInstances")]
    yield from (count for count in found if isinstance(count, Text))


def _asked(content: str, option: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield (number, line) of each `--workers N`, `-w N` or `WEB_CONCURRENCY=N` of a file that starts a server."""
    blank = re.sub(r"^\s*#.*$", "", content, flags=re.MULTILINE)
    if _SERVER.search(blank):
        for match in option.finditer(blank):
            yield int(match[1]), blank.count("\n", 0, match.start()) + 1


def _configured(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    """Yield (number, line) of `workers = 4` or `workers = int(os.getenv("…", "4"))` in gunicorn's configuration."""
    try:
        syntax = reading.parse(data.decode("utf-8", "replace").replace("\0", ""), "gunicorn.conf.py")
    except StatecheckError:
        return
    for node in syntax.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            if any(isinstance(part, ast.BinOp) for part in ast.walk(node.value)):
                continue
            numbers = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
            for number in numbers:
                if str(number).isdigit():
                    yield int(str(number)), node.lineno
