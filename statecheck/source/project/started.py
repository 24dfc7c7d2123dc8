"""Read what a project's own files start: an app by its name, a file, a module or a script of its package."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statecheck.model import Anchor
from statecheck.source.project.dockerfiles import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from statecheck.source.project.project_files import ProjectFiles

_APP = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*(?:\(\))?)")
_ENDS = frozenset(("&&", "||", ";", "|", "&"))
_VARIABLE = re.compile(r"\$\{?\w+(?::?-([^}]*))?\}?")
_SOME_NUMBER = "8000"  # what only who starts it could say is a port, as a rule


@dataclass(frozen=True, slots=True)
class Started:
    """What a file of the project starts.

    Attributes:
        anchor: where it says so.
        file: a path, as it is written, or "".
        module: a dotted name, or "".
        attribute: of the module, or "" for all of it.
        arguments: what it is given on its command line.
    """

    anchor: Anchor
    file: str = ""
    module: str = ""
    attribute: str = ""
    arguments: tuple[str, ...] = ()


def read_started(files: ProjectFiles) -> tuple[tuple[Started, ...], ...]:
    """Return what the project's files start, those first that say most: deployments, shell scripts, its own scripts."""
    scripts = dict(_read_scripts(files))
    kinds = files.by_kind
    shell = [path for path in kinds["plain"] if path.suffix == ".sh"]
    deployed = [
        *(_command(files, scripts, path, line, words(text)) for path, line, text in _image_commands(files)),
        *(_command(files, scripts, path, line, given) for path, line, given in _service_commands(files)),
        *_read_lines(files, scripts, [path for path in kinds["plain"] if path not in shell]),
    ]
    tiers = (deployed, [*_read_lines(files, scripts, shell)], list(scripts.values()))
    return tuple(tuple(one for one in tier if one is not None) for tier in tiers)


def _image_commands(files: ProjectFiles) -> Iterator[tuple[Path, int, str]]:
    for path in files.by_kind["dockerfile"]:
        yield from ((path, line, text) for line, text in files.image(path, path.parent).commands)


def _service_commands(files: ProjectFiles) -> Iterator[tuple[Path, int, list[str]]]:
    for path in files.by_kind["compose"]:
        for deployment in files.deployments(path):
            for service in deployment.own_services:
                if service.command:
                    yield path, service.command[0].line, list(service.command)


def _read_lines(files: ProjectFiles, scripts: dict[str, Started], paths: Sequence[Path]) -> Iterator[Started | None]:
    """Yield what the lines start of files in which a command is a line: Procfiles, units, shell scripts."""
    for path in paths:
        for number, line in enumerate(files.text(path).splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield _command(files, scripts, path, number, words(line))


def _read_scripts(files: ProjectFiles) -> Iterator[tuple[str, Started]]:
    """Yield the scripts that a package brings, by their names."""
    path = files.project / "pyproject.toml"
    text = files.text(path)
    content = _decode(text)
    poetry = _table(_table(content, "tool"), "poetry")
    for name, spelled in {**_table(_table(content, "project"), "scripts"), **_table(poetry, "scripts")}.items():
        found = _APP.fullmatch(spelled.partition("[")[0].strip()) if isinstance(spelled, str) else None
        if found:
            line = next((number for number, each in enumerate(text.splitlines(), 1) if spelled in each), 1)
            yield name, Started(Anchor(path.name, line), module=found[1], attribute=found[2])


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _decode(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _command(
    files: ProjectFiles, scripts: dict[str, Started], path: Path, line: int, given: Sequence[str]
) -> Started | None:
    """Return what a command starts, or None."""
    anchor = Anchor(files.show(path), line)
    flat = [part for word in given for part in (_split(word) if " " in word else [word])]
    run: Started | None = None
    for index, word in enumerate(flat):
        rest = flat[index + 1 :]
        named = _APP.fullmatch(word)
        if named:
            return Started(anchor, module=named[1], attribute=named[2])
        if word.endswith(".py"):
            return Started(anchor, file=word, arguments=_arguments(rest))
        if word == "-m" and rest:  # a server is named so too, and what it serves behind it
            run = run or Started(anchor, module=rest[0], arguments=_arguments(rest[1:]))
        if word == "--app" and rest and rest[0].replace(".", "").isidentifier():
            return Started(anchor, module=rest[0])
        own = scripts.get(word.rpartition("/")[2])
        if own is not None:
            return Started(anchor, module=own.module, attribute=own.attribute, arguments=_arguments(rest))
    return run


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is not closed
        return text.split()


def _arguments(rest: Sequence[str]) -> tuple[str, ...]:
    """Return a command's own arguments, without the command behind it and without what only a shell could say."""
    end = next((index for index, word in enumerate(rest) if word in _ENDS), len(rest))
    return tuple(_VARIABLE.sub(lambda found: found[1] or _SOME_NUMBER, word) for word in rest[:end])
