"""Variables that a project's own files set: `.env` and its examples, compose files, Dockerfiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code import reading
from statecheck.source.code.files import directories

if TYPE_CHECKING:
    from pathlib import Path

_FILES = re.compile(
    r"\.env(\..+)?|.+\.env|env\.(example|sample)|(docker-)?compose([.-][\w.-]+)?\.ya?ml|Dockerfile(\..+)?"
)
_LINE = re.compile(
    r"""\s*(?:export\s+|ENV\s+|-\s+)?["']?([A-Z][A-Z0-9_]*)["']?\s*(?:=|:\s|\s)\s*(["']?)(.*?)\2\s*(?:\s#.*)?\Z"""
)
_EXAMPLE = re.compile(r"example|sample|template|dist")
_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
_DEEPEST, _MOST_BYTES = 3, 200_000


@dataclass(frozen=True, slots=True)
class Given:
    """A variable that a file sets.

    Attributes:
        example: the file is an example of what to set, and sets nothing itself.
    """

    value: str
    anchor: Anchor
    example: bool


def given_variables(project: Path) -> dict[str, Given]:
    """Return the variables that the project's files set; of several files the first wins, and examples come last.

    Read line by line: all these files write `NAME=value` or `NAME: value` in a line of its own. A value that is made
    of other variables stands for its default.
    """
    found: list[tuple[str, Given]] = []
    for folder, names in directories(project):
        if len(folder.relative_to(project).parts) > _DEEPEST:
            break
        for name in filter(_FILES.fullmatch, names):
            data = reading.peek(folder / name)[:_MOST_BYTES]
            shown = (folder / name).relative_to(project).as_posix()
            for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
                match = _LINE.match(line)
                value = _DEFAULT.sub(r"\1", match[3]) if match else ""
                if match and value and "${" not in value:
                    found.append((match[1], Given(value, Anchor(shown, number), bool(_EXAMPLE.search(name)))))
    found.sort(key=lambda pair: pair[1].example)
    return dict(reversed(found))
