"""What a YAML file deploys: services of a compose file, claims of Kubernetes workloads, functions, how many copies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from statecheck.source.project.documents import Node, Text, get, items, pairs, text
from statecheck.source.project.serverless import read_functions
from statecheck.source.project.service_kinds import is_service_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statecheck.source.project.serverless import Function

_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
_KEPT = ("persistentVolumeClaim", "csi", "nfs", "hostPath", "azureFile", "azureDisk", "gcePersistentDisk")
"""Kinds of Kubernetes' volumes that outlive a pod; `hostPath` does on its node."""
_COUNT = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of a service that it may write to.

    Attributes:
        source: a volume's name, a path of the host, or "" for an anonymous one.
        inside: where it is in the container.
    """

    source: str
    inside: PurePosixPath


@dataclass(frozen=True, slots=True)
class Build:
    """How a service's image is built; paths are relative to the file, then to the context."""

    context: str
    dockerfile: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable that is set.

    Attributes:
        line: where, 1-based.
    """

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a compose file.

    Attributes:
        build: None where its image is built elsewhere.
        workdir: its working directory, or "".
        environment: what it is given, without what only the shell that starts it could say.
        command: the words of what it starts, where it is not what its image does.
        image: "" where it is built here.
        host_name: what each of its containers is called; "" where each has a name of its own.
    """

    build: Build | None
    workdir: str
    mounts: tuple[Mount, ...]
    environment: tuple[Assignment, ...]
    command: tuple[Text, ...] = ()
    image: str = ""
    host_name: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A place of a container that a volume or a disk backs, and the container's working directory, or ""."""

    workdir: str
    inside: PurePosixPath


@dataclass(frozen=True, slots=True)
class Workload:
    """What Kubernetes runs in pods.

    Attributes:
        images: of its containers.
        host_name: what its first pod is called, before and after it is replaced; "" where a new pod has another name.
    """

    images: tuple[str, ...]
    host_name: str


@dataclass(frozen=True, slots=True)
class Copies:
    """How many copies of something a file asks for, and in which line.

    Attributes:
        own_disks: where each copy has a disk that no other has.
    """

    number: int
    line: int
    own_disks: tuple[PurePosixPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One document of a YAML file, as far as it says how a project is deployed.

    Attributes:
        services: of a compose file, those that are built from the project first.
        built: how many of the services are built from the project; all count where none says how it is built.
        functions: of a cloud, that it deploys.
        environment: what Kubernetes' containers and those functions are given.
        workloads: of Kubernetes.
    """

    services: tuple[Service, ...]
    built: int
    claims: tuple[Claim, ...]
    copies: tuple[Copies, ...]
    functions: tuple[Function, ...] = ()
    environment: tuple[Assignment, ...] = ()
    workloads: tuple[Workload, ...] = ()

    @property
    def own_services(self) -> tuple[Service, ...]:
        """The services that run the project."""
        return self.services[: self.built] or self.services


def read_deployment(document: Node, builds: Callable[[Build], bool] = lambda _: True) -> Deployment:
    """Return what a document says; one that is of something else says nothing.

    Args:
        document: of a YAML file.
        builds: whether it is the project that is built so.
    """
    services = [service for _, service in pairs(get(document, "services"))]
    built, others = list[Node](), list[Node]()
    for service in services:
        build = _read_build(service)
        (built if build is not None and builds(build) else others).append(service)
    functions = tuple(read_functions(document))
    return Deployment(
        tuple(map(_read_service, (*built, *others))),
        len(built),
        tuple(_read_claims(document)),
        tuple(_read_copies(document, built or services)),
        functions,
        (*_read_given(functions), *_read_containers(document)),
        tuple(_read_workloads(document)),
    )


def with_defaults(value: str) -> str | None:
    """Return a value with `${NAME:-default}` replaced by the default; None where it hangs on a variable without one."""
    value = _DEFAULT.sub(r"\1", value.replace("$$", "\0"))
    return None if "$" in value else value.replace("\0", "$")


def _read_service(service: Node) -> Service:
    return Service(
        _read_build(service),
        text(get(service, "working_dir")),
        tuple(_read_mounts(service)),
        tuple(_read_environment(get(service, "environment"))),
        tuple(part for name in ("entrypoint", "command") for part in _read_words(get(service, name))),
        text(get(service, "image")) if get(service, "build") is None else "",
        text(get(service, "hostname")),
    )


def _read_words(node: Node) -> Iterator[Text]:
    """Yield the words of a command: a list, or a text for a shell."""
    yield from (each for each in (items(node) or (node,)) if isinstance(each, Text))


def _read_build(service: Node) -> Build | None:
    build = get(service, "build")
    if build is None:
        return None
    context = text(build) or text(get(build, "context")) or "."
    return Build(context, text(get(build, "dockerfile")) or "Dockerfile")


def _read_mounts(service: Node) -> Iterator[Mount]:
    """Yield a service's volumes: short syntax (`data:/app/data:rw`) and long."""
    for item in items(get(service, "volumes")):
        if isinstance(item, Text):
            parts = _DEFAULT.sub(r"\1", item).split(":")
            source, inside, options = (parts[0], parts[1], parts[2:]) if len(parts) > 1 else ("", parts[0], [])
            read_only = "ro" in ",".join(options).split(",")
        else:
            source, inside = text(get(item, "source")), text(get(item, "target"))
            read_only = text(get(item, "read_only")) == "true"
            if text(get(item, "type")) == "tmpfs":
                continue
        if inside.startswith("/") and not read_only:
            yield Mount(source, PurePosixPath(inside))


def _read_environment(node: Node) -> Iterator[Assignment]:
    """Yield what `environment` sets: a mapping, or a list of `NAME=value`."""
    for name, value in pairs(node):
        if isinstance(value, Text):
            yield from _read_assignment(name, value, value.line)
    for item in items(node):
        if isinstance(item, Text):
            yield from _read_assignment(item.partition("=")[0], item.partition("=")[2], item.line)


def _read_assignment(name: str, value: str, line: int) -> Iterator[Assignment]:
    known = with_defaults(value)
    if known:
        yield Assignment(name, known, line)


def _read_given(functions: tuple[Function, ...]) -> Iterator[Assignment]:
    """Yield what functions of a cloud are given."""
    for function in functions:
        for name, value in function.environment:
            yield from _read_assignment(name, value, value.line)


def _pods(document: Node) -> Iterator[tuple[Node, Node]]:
    """Yield (what owns it, what it is made of) of the pods of a Kubernetes workload."""
    for owner in (document, get(document, "spec", "jobTemplate")):
        pod = get(owner, "spec", "template", "spec") or (get(owner, "spec") if owner is document else None)
        if pod is not None:
            yield owner, pod


def _read_workloads(document: Node) -> Iterator[Workload]:
    """Yield what runs in pods: those of a StatefulSet keep their names, those of others that are given one."""
    for _, pod in _pods(document):
        images = tuple(text(get(container, "image")) for container in items(get(pod, "containers")))
        stays = text(get(document, "kind")) == "StatefulSet"
        name = f"{text(get(document, 'metadata', 'name'))}-0" if stays else text(get(pod, "hostname"))
        if images:
            yield Workload(images, name)


def _read_containers(document: Node) -> Iterator[Assignment]:
    """Yield the variables that a Kubernetes workload's containers are given as they are."""
    for _, pod in _pods(document):
        for container in items(get(pod, "containers")):
            for one in items(get(container, "env")):
                name, value = get(one, "name"), get(one, "value")
                if isinstance(name, Text) and isinstance(value, Text):
                    yield from _read_assignment(name, value, value.line)


def _read_claims(document: Node) -> Iterator[Claim]:
    """Yield the places of a Kubernetes workload that a volume backs which outlives it, and of disks of Render's."""
    for owner, pod in _pods(document):
        claims = {
            text(get(volume, "name"))
            for volume in items(get(pod, "volumes"))
            if any(get(volume, kind) is not None for kind in _KEPT)
        }
        claims |= {text(get(claim, "metadata", "name")) for claim in items(get(owner, "spec", "volumeClaimTemplates"))}
        for container in items(get(pod, "containers")):
            for mount in items(get(container, "volumeMounts")):
                if text(get(mount, "name")) in claims and text(get(mount, "mountPath")).startswith("/"):
                    yield Claim(text(get(container, "workingDir")), PurePosixPath(text(get(mount, "mountPath"))))
    for service in items(get(document, "services")):
        if text(get(service, "disk", "mountPath")).startswith("/"):
            yield Claim("", PurePosixPath(text(get(service, "disk", "mountPath"))))


def _read_own_disks(document: Node) -> Iterator[PurePosixPath]:
    """Yield the places of a StatefulSet's pods that are made anew, and kept, for each of them."""
    templates = items(get(document, "spec", "volumeClaimTemplates"))
    claims = {text(get(claim, "metadata", "name")) for claim in templates}
    for _, pod in _pods(document):
        for container in items(get(pod, "containers")):
            for mount in items(get(container, "volumeMounts")):
                if text(get(mount, "name")) in claims and not is_service_image(text(get(container, "image"))):
                    yield PurePosixPath(text(get(mount, "mountPath")))


def _read_copies(document: Node, services: list[Node]) -> Iterator[Copies]:
    """Yield how many copies of the app a compose file, a Kubernetes workload or a Render file asks for."""
    found = [get(service, "deploy", "replicas") for service in services]
    found += [get(document, "spec", name) for name in ("replicas", "minReplicas", "maxReplicas")]
    for service in items(get(document, "services")):
        found.append(get(service, "numInstances"))
        found += [get(service, "scaling", name) for name in ("minInstances", "maxInstances")]
    own = tuple(_read_own_disks(document))
    for count in found:
        if isinstance(count, Text) and _COUNT.fullmatch(count):
            yield Copies(int(count), count.line, own)
