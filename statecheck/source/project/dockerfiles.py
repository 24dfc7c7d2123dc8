"""Read what a Dockerfile says: where the project's files lie in the container, its volumes and its command."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from statecheck.source.code import reading
from statecheck.source.project.deployments import Assignment

_TOP = PurePosixPath("/")
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)
_MKDIR = re.compile(r"\bmkdir\b((?:\s+[^\s;&|]+)+)")
_REFERENCE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Image:
    """What one Dockerfile makes of a project.

    Attributes:
        workdir: the working directory in the container.
        copies: (container directory, project directory or file) for each COPY and ADD from the context.
        volumes: container paths of VOLUME.
        folders: container paths of what RUN makes with `mkdir`.
        commands: (line, text) of CMD and ENTRYPOINT, and of ENV.
        environment: what ENV sets, without what only who builds the image could say.
    """

    workdir: PurePosixPath
    copies: tuple[tuple[PurePosixPath, Path], ...] = ()
    volumes: tuple[PurePosixPath, ...] = ()
    folders: tuple[PurePosixPath, ...] = ()
    commands: tuple[tuple[int, str], ...] = ()
    environment: tuple[Assignment, ...] = ()

    def places(self, inside: PurePosixPath, context: Path, project: Path) -> list[Path]:
        """Where a container path lies when the app runs from its project: a project path, else the path itself.

        Args:
            inside: an absolute container path, or one relative to the working directory.
            context: the directory that the image is built from.
            project: the directory that the app runs in here.
        """
        inside = PurePosixPath(self.workdir, inside)
        copied = [(target, source) for target, source in self.copies if _below(inside, target)]
        found = []
        if copied:
            target, source = max(copied, key=lambda pair: len(pair[0].parts))
            found.append(source / inside.relative_to(target))
        if _below(inside, self.workdir):
            rest = inside.relative_to(self.workdir)
            found += [context / rest, project / rest] if not copied else [project / rest]
        return found or [Path(inside)]


@dataclass(slots=True)
class _Reader:
    """Collects the instructions of a Dockerfile."""

    context: Path
    workdir: PurePosixPath = _TOP
    variables: dict[str, str] = field(default_factory=dict)
    copies: list[tuple[PurePosixPath, Path]] = field(default_factory=list)
    volumes: list[PurePosixPath] = field(default_factory=list)
    folders: list[PurePosixPath] = field(default_factory=list)
    commands: list[tuple[int, str]] = field(default_factory=list)
    environment: list[Assignment] = field(default_factory=list)

    def take(self, line: int, name: str, rest: str) -> None:
        """Note one instruction."""
        spelled = rest.strip()
        rest = self.expand(spelled) if name not in ("CMD", "ENTRYPOINT") else spelled
        if name == "FROM":
            self.workdir = _TOP
        elif name == "WORKDIR":
            self.workdir = PurePosixPath(self.workdir, rest.strip("\"'"))
        elif name in ("ENV", "ARG"):
            self.commands.append((line, rest))
            self.set(line, spelled, kept=name == "ENV")
        elif name in ("CMD", "ENTRYPOINT"):
            self.commands.append((line, rest))
        elif name == "VOLUME":
            self.volumes += [PurePosixPath(self.workdir, part) for part in words(rest)]
        elif name == "RUN":
            made = [word for found in _MKDIR.findall(rest) for word in words(found) if not word.startswith("-")]
            self.folders += [PurePosixPath(self.workdir, word) for word in made]
        elif name in ("COPY", "ADD") and "--from=" not in rest:
            self.copy([part for part in words(rest) if not part.startswith("--")])

    def set(self, line: int, spelled: str, *, kept: bool) -> None:
        """Note what an ENV or ARG sets: `A=1 B="2 3"`, or `A 1` for one variable."""
        pairs = [word.partition("=") for word in words(spelled)]
        if not all(sign for _, sign, _ in pairs):
            pairs = [spelled.partition("=" if pairs[0][1] else " ")]
        for key, _, value in pairs:
            known = all(name in self.variables or default for name, default in _references(value))
            self.variables[key] = self.expand(value.strip())
            if kept and known and self.variables[key]:
                self.environment.append(Assignment(key, self.variables[key], line))

    def copy(self, parts: list[str]) -> None:
        """Note where a COPY's directories go; single files say nothing about data."""
        target = PurePosixPath(self.workdir, parts[-1]) if parts else self.workdir
        for part in parts[:-1]:
            source = self.context / part.lstrip("/")
            if reading.is_dir(source):
                self.copies.append((target, source))

    def expand(self, value: str) -> str:
        """Return the value with `$NAME` and `${NAME:-default}` replaced as far as they are known."""
        return _REFERENCE.sub(lambda m: self.variables.get(m[1] or m[3], m[2] or ""), value)


def read_image(dockerfile: str, context: Path) -> Image:
    """Return what the text of a Dockerfile makes of a build context."""
    reader = _Reader(context)
    for line, instruction in _instructions(dockerfile):
        match = _INSTRUCTION.fullmatch(instruction)
        if match:
            reader.take(line, match[1].upper(), match[2])
    return Image(
        reader.workdir,
        tuple(reader.copies),
        tuple(reader.volumes),
        tuple(reader.folders),
        tuple(reader.commands),
        tuple(reader.environment),
    )


def words(value: str) -> list[str]:
    """Return the words of an instruction, given as JSON list or as in a shell."""
    if value.startswith("["):
        try:
            return [str(part) for part in json.loads(value)]
        except ValueError:
            return []
    try:
        return shlex.split(value)
    except ValueError:  # a quote that is not closed
        return value.split()


def _references(value: str) -> list[tuple[str, str]]:
    """Return (name, default or "") of each variable in a value."""
    return [(found[1] or found[3], found[2] or "") for found in _REFERENCE.finditer(value)]


def _instructions(text: str) -> list[tuple[int, str]]:
    """Each instruction with the line where it starts, continued lines joined, comments left out."""
    found: list[tuple[int, str]] = []
    open_ended = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        body = line.rstrip()
        if open_ended:
            start, before = found[-1]
            found[-1] = (start, f"{before} {body.removesuffix(chr(92))}")
        elif body:
            found.append((number, body.removesuffix("\\")))
        open_ended = body.endswith("\\")
    return found


def _below(path: PurePosixPath, top: PurePosixPath) -> bool:
    return top != _TOP and path.is_relative_to(top)
