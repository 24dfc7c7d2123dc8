"""Variables that a project's own files set: `.env` and its examples, compose files, Dockerfiles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source import reading
from statecheck.source.files import directories

if TYPE_CHECKING:
    from pathlib import Path

_FILES = re.compile(
    r"\.env(\..+)?|.+\.env|env\.(example|sample)|(docker-)?compose([.-][\w.-]+)?\.ya?ml|Dockerfile(\..+)?"
)
_LINE = re.compile(
    r"""\s*(?:export\s+|ENV\s+|-\s+)?["']?([A-Z][A-Z0-9_]*)["']?\s*(?:=|:\s|\s)\s*(["']?)(.*?)\2\s*(?:\s#.*)?\Z"""
)
_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
_DEEPEST, _MOST_BYTES = 3, 200_000


def given_variables(project: Path) -> dict[str, tuple[str, Anchor]]:
    """Return the variables that are set there, with their value and where; the first file that sets one wins.

    Read line by line: all these files write `NAME=value` or `NAME: value` in a line of its own. A value that is made
    of other variables stands for its default.
    """
    found: dict[str, tuple[str, Anchor]] = {}
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
                    found.setdefault(match[1], (value, Anchor(shown, number)))
    return found
