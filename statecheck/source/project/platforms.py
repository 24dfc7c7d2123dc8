"""What else says how one app is deployed: the settings of Fly and Railway, and commands that start its container."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from statecheck.source.project.deployments import Assignment, Claim, Copies, Deployment, Mount
from statecheck.source.project.service_kinds import is_service_image

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN = re.compile(r"\b(?:docker|podman|nerdctl)\s+(?:container\s+)?run\s((?:\\\r?\n|[^\n`])*)")
_SOURCE_NAMES, _TARGET_NAMES = ("source", "src"), ("target", "destination", "dst")


def read_platform(text: str) -> Deployment:
    """Return what the TOML of a platform says; a file that is no TOML says nothing.

    It is `[mounts]`, `[env]` and the least number of machines of Fly, the volume and the replicas of Railway.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return Deployment((), 0, (), ())
    return Deployment(
        (),
        0,
        tuple(Claim("", PurePosixPath(inside)) for inside in _list_mounted(document) if inside.startswith("/")),
        tuple(_list_copies(document, text)),
        environment=tuple(
            Assignment(name, value, _find_line(text, name))
            for name, value in _table(document, "env").items()
            if isinstance(value, str) and value
        ),
    )


def read_commands(text: str) -> Iterator[Mount]:
    """Yield the volumes that commands of a script or a page give a container which they start (`docker run -v …`)."""
    for command in _RUN.finditer(text):
        try:
            words = shlex.split(command[1].replace("\\\r\n", " ").replace("\\\n", " "), comments=True)
        except ValueError:  # a quote that is not closed: a part of a longer text
            continue
        if any(map(is_service_image, words)):  # the container of a database
            continue
        for option, value in _pair_options(words):
            mount = _read_mount(value) if option == "--mount" else _read_short(value)
            if mount is not None:
                yield mount


def _list_mounted(document: dict[str, Any]) -> Iterator[str]:
    mounts = document.get("mounts", document.get("mount", ()))
    for each in mounts if isinstance(mounts, list) else [mounts]:
        yield str(_table({"": each}, "").get("destination", ""))
    yield str(_table(document, "deploy").get("requiredMountPath", ""))


def _list_copies(document: dict[str, Any], text: str) -> Iterator[Copies]:
    for name in ("http_service", "services"):
        given = document.get(name)
        for service in given if isinstance(given, list) else [given]:
            least = _table({"": service}, "").get("min_machines_running")
            if isinstance(least, int) and least > 1:  # of 1 or none, Fly starts more when there is much to do
                mounted = tuple(PurePosixPath(inside) for inside in _list_mounted(document) if inside.startswith("/"))
                yield Copies(least, _find_line(text, "min_machines_running"), mounted)
    replicas = _table(document, "deploy").get("numReplicas")
    if isinstance(replicas, int) and replicas > 0:
        yield Copies(replicas, _find_line(text, "numReplicas"))


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _find_line(text: str, name: str) -> int:
    """The line in which a name is set, 1-based; 1 where it is written in another way."""
    found = re.search(rf"^[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*=", text, re.MULTILINE)
    return 1 + text.count("\n", 0, found.start()) if found else 1


def _pair_options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (option, value) of the options that mount something, however they are written."""
    for number, word in enumerate(words):
        name, has_value, value = word.partition("=")
        if name in ("-v", "--volume", "--mount"):
            yield name, value if has_value and name != "-v" else " ".join(words[number + 1 : number + 2])


def _read_short(value: str) -> Mount | None:
    """`source:/inside:options`; a path of the machine's may hold `$(pwd)` or `${PWD}`."""
    source, inside, *options = [
        *value.replace("${PWD}", ".").replace("$(pwd)", ".").replace("$PWD", ".").split(":"),
        "",
    ][:3]
    if not inside:
        source, inside = "", source
    if not inside.startswith("/") or any("ro" in each.split(",") for each in options):
        return None
    return Mount(source, PurePosixPath(inside))


def _read_mount(value: str) -> Mount | None:
    """`type=volume,source=chat,target=/inside`."""
    given = dict(part.partition("=")[::2] for part in value.split(","))
    inside = next((given[name] for name in _TARGET_NAMES if name in given), "")
    if given.get("type") == "tmpfs" or "readonly" in given or "ro" in given or not inside.startswith("/"):
        return None
    source = next((given[name] for name in _SOURCE_NAMES if name in given), "")
    return Mount(source.replace("${PWD}", ".").replace("$(pwd)", ".").replace("$PWD", "."), PurePosixPath(inside))
