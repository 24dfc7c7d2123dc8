"""What the project's own deployment files say: which paths outlive a container, how many workers and threads serve.

Files that cannot be read or understood say nothing; they are never an error.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.source.code import reading
from statecheck.source.code.files import directories
from statecheck.source.project.deployments import Service
from statecheck.source.project.dockerfiles import Image
from statecheck.source.project.platforms import read_commands
from statecheck.source.project.service_kinds import is_service_image
from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.project.deployments import Claim, Mount
    from statecheck.source.project.project_files import ProjectFiles
    from statecheck.source.project.serverless import Function

_USUAL = PurePosixPath("/app")  # where a project lies in a container of which nothing is known
_OWN_SERVERS = "|".join(framework.command for framework in FRAMEWORKS if framework.command)
_SERVER = re.compile(rf"gunicorn|uvicorn|waitress|hypercorn|granian|uwsgi|WEB_CONCURRENCY|{_OWN_SERVERS}")
_NUMBER = r"""["'\s=,:-]*(?:\$\{\w+:-)?["']?(\d{1,4})\b"""
_WORKERS = re.compile(rf"(?:--workers?|--processes|(?<![\w-])-w|\bWEB_CONCURRENCY\b){_NUMBER}")
_THREADS = re.compile(rf"--threads{_NUMBER}")
_GREEN = re.compile(rb"\b(gevent|eventlet|tornado)\b")
_DEPLOYED = re.compile(rb"^\s*\[tool\.(llamadeploy|llama_deploy|llamaagents)[\].]", re.MULTILINE)

_STARTED = Service(None, "", (), ())  # by a command, from the project's own image
_BOUND = (".", "/", "~", "$")
"""How the source of a mount begins that is a path of the machine, and no volume's name."""
_DATA = as_set(
    ".db .db3 .sqlite .sqlite3 .sqlite-db .duckdb .json .jsonl .ndjson .csv .pkl .pickle .txt .log .dat .parquet"
)
"""How files are named that apps keep their data in."""


def find_volumes(files: ProjectFiles) -> tuple[Path, ...]:
    """Return the paths that outlive a container, as the app sees them when it runs from its project.

    Container paths below the working directory are given as paths in the project, others as they are. They
    come from compose (`volumes`, but not a bind mount of source code), Dockerfile (`VOLUME`), Kubernetes
    (`volumeMounts` of a PersistentVolumeClaim), functions' templates (`LocalMountPath`), the platforms of
    `statecheck.source.project.platforms`, and commands that start a container (`docker run -v`).
    """
    project = files.project
    found: dict[Path, None] = {}
    images = _images(files)
    default = images[0] if images else (project, Image(_USUAL))
    for context, image in images:
        for inside in image.volumes:
            found.update(dict.fromkeys(image.places(inside, context, project)))
    for folder, service, mount in _mounts(files):
        found.update(dict.fromkeys(_places(files, folder, service, mount)))
    for claim in _claims(files):
        found.update(dict.fromkeys(_with_workdir(claim.workdir, default[1]).places(claim.inside, default[0], project)))
    found.update(dict.fromkeys(Path(place) for _, function in _functions(files) for place in function.mounts))
    return tuple(path for path in found if path != project)


def find_mount_points(files: ProjectFiles) -> tuple[PurePosixPath, ...]:
    """Return where the volumes lie in the containers, as the project's files spell it: absolute paths."""
    found = [PurePosixPath(image.workdir, inside) for _, image in _images(files) for inside in image.volumes]
    found += [mount.inside for _, _, mount in _mounts(files)]
    found += [claim.inside for claim in _claims(files)]
    found += [place for _, function in _functions(files) for place in function.mounts]
    return tuple(dict.fromkeys(found))


def find_working_folder(files: ProjectFiles, target: Path) -> Path | None:
    """Return the folder in which a cloud runs a function whose handler a file holds, or None if no template says so."""
    for folder, function in _functions(files):
        module = function.handler.rpartition(".")[0].replace(".", "/")
        if module and folder / f"{module}.py" == target:
            return folder
    return None


def find_file_mounts(files: ProjectFiles) -> tuple[Path, ...]:
    """Return those of the volumes that are a single file: one that is there, or is named as files with data are."""
    found: dict[Path, None] = {}
    for folder, service, mount in _mounts(files):
        if mount.source.startswith(_BOUND):
            place = folder / mount.source
            if is_data_file(place) or (not reading.is_dir(place) and is_data_file(Path(mount.inside))):
                found.update(dict.fromkeys(_places(files, folder, service, mount)))
    return tuple(found)


def is_data_file(path: Path) -> bool:
    """Whether a path is a file, or is not there and named as a file with data is."""
    return reading.is_file(path) or (not reading.is_dir(path) and path.suffix.lower() in _DATA)


def _images(files: ProjectFiles) -> list[tuple[Path, Image]]:
    return [(path.parent, files.image(path, path.parent)) for path in files.by_kind["dockerfile"]]


def _places(files: ProjectFiles, folder: Path, service: Service, mount: Mount) -> tuple[Path, ...]:
    """Return where a mount lies, as the app sees it when it runs from its project."""
    default = next(iter(_images(files)), (files.project, Image(_USUAL)))
    context, image = _image_of(files, service, folder, default)
    return tuple(_with_workdir(service.workdir, image).places(mount.inside, context, files.project))


def find_container_folders(files: ProjectFiles, target: Path) -> dict[str, Path | None]:
    """Return the folders that a container has by the project's files: {path: the project's folder there, or None}.

    They come from WORKDIR, COPY and `RUN mkdir` of the Dockerfile that the target is built by, and from a compose
    file's `working_dir`. Where none says so and a volume lies below `/app`, the project is taken to lie there.
    """
    project = files.project
    images = _images(files)
    own = [(context, image) for context, image in images if target.is_relative_to(context)]
    found: dict[str, Path | None] = {}
    for context, image in own[:1] or images[:1]:
        for inside, source in ((image.workdir, context), *image.copies):
            found[str(inside)] = source
        for inside in image.folders:
            found.setdefault(str(image.places(inside, context, project)[-1]), None)
    for folder, service in _services(files):
        if service.workdir:
            found.setdefault(service.workdir, folder)
        elif not images and any(mount.inside.is_relative_to(_USUAL) for mount in service.mounts):
            found.setdefault(str(_USUAL), project)
    found.pop("/", None)
    return found


def _services(files: ProjectFiles) -> Iterator[tuple[Path, Service]]:
    """Yield the services that run the project, each with the folder of its compose file."""
    for path in files.by_kind["compose"]:
        for deployment in files.deployments(path):
            yield from ((path.parent, service) for service in deployment.own_services)


def _mounts(files: ProjectFiles) -> Iterator[tuple[Path, Service, Mount]]:
    """Yield what is mounted and is no source code, each with the folder of the file that says so and what has it."""
    for folder, service in _services(files):
        yield from ((folder, service, mount) for mount in service.mounts if not _is_source(mount.source, folder))
    for path in (*files.by_kind["commands"], *files.by_kind["plain"]):
        for mount in read_commands(files.text(path)):
            if not _is_source(mount.source, path.parent):
                yield path.parent, _STARTED, mount


def _functions(files: ProjectFiles) -> Iterator[tuple[Path, Function]]:
    """Yield the functions of a cloud, each with the folder of its code."""
    for path in files.by_kind["yaml"]:
        for deployment in files.deployments(path):
            yield from ((Path(os.path.normpath(path.parent / each.code)), each) for each in deployment.functions)


def _claims(files: ProjectFiles) -> Iterator[Claim]:
    for path in (*files.by_kind["yaml"], *files.by_kind["platform"]):
        for deployment in files.deployments(path):
            yield from deployment.claims


def find_host_name(files: ProjectFiles) -> str:
    """Return what all containers of the app are called, one after the other; "" where a new one has another name.

    Compose files (`hostname`) and Kubernetes (a StatefulSet, `hostname` of a pod) may say so; each that runs something
    of the project has to.
    """
    said: list[tuple[tuple[str, ...], str]] = [((service.image,), service.host_name) for _, service in _services(files)]
    for path in files.by_kind["yaml"]:
        said += [(load.images, load.host_name) for each in files.deployments(path) for load in each.workloads]
    names = [name for images, name in said if not all(map(is_service_image, images))]
    return names[0] if names and all(names) else ""


def count_workers(files: ProjectFiles) -> tuple[int, Anchor] | None:
    """Return the largest number of workers or replicas that a deployment file asks for, and where, or None."""
    found = _find_counts(files, _WORKERS, "workers")
    for path in (*files.by_kind["compose"], *files.by_kind["yaml"], *files.by_kind["platform"]):
        for deployment in files.deployments(path):
            found += [(copies.number, path, copies.line) for copies in deployment.copies]
    return _pick_largest(found, files)


def find_own_disks(files: ProjectFiles) -> Anchor | None:
    """Return the line that asks for several copies of the app of which each has the volumes to itself, or None.

    They are the machines of Fly and the pods of a StatefulSet. None as well where a volume besides may be shared.
    """
    for path in (*files.by_kind["yaml"], *files.by_kind["platform"]):
        for deployment in files.deployments(path):
            for copies in deployment.copies:
                if copies.number > 1 and copies.own_disks and {*find_mount_points(files)} <= {*copies.own_disks}:
                    return Anchor(files.show(path), copies.line)
    return None


def count_threads(files: ProjectFiles) -> tuple[int, Anchor] | None:
    """Return the largest number of threads that a deployment file gives a worker, and where, or None.

    None as well where it names another kind of worker, which has no threads but overlaps as it likes.
    """
    if any(_GREEN.search(files.read(path)) for path in (*_startup_files(files), *files.by_kind["gunicorn"])):
        return None
    return _pick_largest(_find_counts(files, _THREADS, "threads"), files)


def serves_workflows(project: Path) -> bool:
    """Whether the project is deployed by LlamaIndex's own tool: its user interface then talks to the workflow."""
    if any((project / name).is_file() for name in ("llama_deploy.yml", "llama_deploy.yaml")):
        return True
    return _DEPLOYED.search(reading.peek(project / "pyproject.toml")) is not None


def _startup_files(files: ProjectFiles) -> tuple[Path, ...]:
    """Return the files in which the command that starts the app may stand, or what it is given."""
    own = tuple(path for path in files.by_kind["env"] if path.name == ".env")
    kinds = files.by_kind
    return (*kinds["plain"], *kinds["platform"], *own, *kinds["dockerfile"], *kinds["compose"], *kinds["yaml"])


def _find_counts(files: ProjectFiles, option: re.Pattern[str], name: str) -> list[tuple[int, Path, int]]:
    """Return (number, file, line) of each place that states one: by an option of a server, or gunicorn's setting."""
    found: list[tuple[int, Path, int]] = []
    for path in _startup_files(files):
        found += [(number, path, line) for number, line in _read_option(_startup_text(files, path), option)]
    for path in files.by_kind["gunicorn"]:
        found += [(number, path, line) for number, line in _read_gunicorn(files.syntax(path), name)]
    return found


def _startup_text(files: ProjectFiles, path: Path) -> str:
    """Return what a file says of how the app is started, each thing in its line: one above speaks of others as well."""
    if path.is_relative_to(files.project):
        return files.text(path)
    lines: dict[int, str] = {}
    for deployment in files.deployments(path):
        for service in deployment.own_services if deployment.built else ():
            lines |= {one.line: f"{one.name}={one.value}" for one in service.environment}
            lines |= {one.line: " ".join(service.command) for one in service.command[:1]}
    return "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))


def _pick_largest(found: list[tuple[int, Path, int]], files: ProjectFiles) -> tuple[int, Anchor] | None:
    if not found:
        return None
    number, path, line = max(found, key=lambda one: one[0])
    return number, Anchor(files.show(path), line)


def _image_of(files: ProjectFiles, service: Service, folder: Path, default: tuple[Path, Image]) -> tuple[Path, Image]:
    """Return a service's build context and what its Dockerfile says."""
    if service.build is None:
        return default
    context = folder / service.build.context
    dockerfile = context / service.build.dockerfile
    return context, (files.image(dockerfile, context) if reading.is_file(dockerfile) else default[1])


def _with_workdir(workdir: str, image: Image) -> Image:
    """Return an image where a deployment sets another working directory: the project is taken to lie there."""
    return Image(PurePosixPath(workdir)) if workdir else image


def _is_source(source: str, folder: Path) -> bool:
    """Whether a bind mount is the code itself, for development, or a single file without data: a socket, settings."""
    if not source.startswith(_BOUND):
        return False
    place = folder / source
    if source in (".", "./", "..", "../") or source.endswith(".sock"):
        return True
    if reading.is_file(place):
        return place.suffix.lower() not in _DATA
    return reading.is_dir(place) and any(name.endswith(".py") for _, names in directories(place) for name in names)


def _read_option(content: str, option: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield (number, line) of each `--workers N`, `-w N` or `WEB_CONCURRENCY=N` of a file that starts a server."""
    blank = re.sub(r"^[ \t]*#.*$", "", content, flags=re.MULTILINE)
    if _SERVER.search(blank):
        for match in option.finditer(blank):
            yield int(match[1]), blank.count("\n", 0, match.start()) + 1


def _read_gunicorn(syntax: ast.Module | None, name: str) -> Iterator[tuple[int, int]]:
    """Yield (number, line) of `workers = 4` or `workers = int(os.getenv("…", "4"))` in gunicorn's configuration."""
    for node in syntax.body if syntax is not None else ():
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            if any(isinstance(part, ast.BinOp) for part in ast.walk(node.value)):
                continue
            numbers = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
            for number in numbers:
                if str(number).isdigit():
                    yield int(str(number)), node.lineno
