"""What a template of AWS SAM or CloudFormation, or a `serverless.yml`, says of the functions that it deploys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from statecheck.source.project.documents import Node, Text, get, pairs, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = ("AWS::Serverless::Function", "AWS::Lambda::Function")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a cloud.

    Attributes:
        code: the folder that becomes its working directory, relative to the file.
        handler: `module.function`, or with slashes, relative to that folder.
        mounts: where file systems that outlive it are mounted.
        environment: (name, value) of what it is given, as it is written.
    """

    code: str
    handler: str
    mounts: tuple[PurePosixPath, ...]
    environment: tuple[tuple[str, Text], ...]


def read_functions(document: Node) -> Iterator[Function]:
    """Yield the functions that a document deploys; one that is of something else has none."""
    shared = get(document, "Globals", "Function")
    for _, resource in pairs(get(document, "Resources")):
        if text(get(resource, "Type")) in _KINDS:
            yield _read_resource(_merge(shared, get(resource, "Properties")))
    if isinstance(get(document, "provider"), Mapping):
        for _, function in pairs(get(document, "functions")):
            yield _read_function(document, function)


def _read_resource(properties: Node) -> Function:
    configs = get(properties, "FileSystemConfigs")
    places = [text(get(one, "LocalMountPath")) for one in configs] if isinstance(configs, tuple) else []
    code = text(get(properties, "CodeUri")) or text(get(properties, "Code")) or "."
    variables = get(properties, "Environment", "Variables")
    return Function(code, text(get(properties, "Handler")), _mounts(places), _environment(variables))


def _read_function(document: Node, function: Node) -> Function:
    """Return a function of a `serverless.yml`: all of the service's folder is its code."""
    variables = _merge(get(document, "provider", "environment"), get(function, "environment"))
    places = [text(get(function, "fileSystemConfig", "localMountPath"))]
    return Function(".", text(get(function, "handler")), _mounts(places), _environment(variables))


def _merge(shared: Node, own: Node) -> Node:
    """Return a mapping over the one whose entries it takes over; those that both have are merged in their turn."""
    if not isinstance(shared, Mapping) or not isinstance(own, Mapping):
        return shared if own is None else own
    return {**shared, **{name: _merge(shared.get(name), value) for name, value in own.items()}}


def _mounts(places: list[str]) -> tuple[PurePosixPath, ...]:
    return tuple(PurePosixPath(place) for place in places if place.startswith("/"))


def _environment(variables: Node) -> tuple[tuple[str, Text], ...]:
    return tuple((name, value) for name, value in pairs(variables) if isinstance(value, Text))
