"""The text of a `.env` file, read as python-dotenv reads it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class EnvLine:
    """One binding, or what stands between two.

    Attributes:
        name: "" where it is no binding, or a line that cannot be read.
        value: as it is written, quotes resolved; None where none is given.
        line: where it begins, 1-based.
        spelled: all of its text.
        broken: it is no `NAME=VALUE`, and no comment.
    """

    name: str
    value: str | None
    line: int
    spelled: str
    broken: bool


def read_env_lines(text: str) -> tuple[EnvLine, ...]:
    """Return all of a file, in its order."""
    from dotenv.parser import parse_stream  # late: most projects have no such file

    found = []
    for binding in parse_stream(io.StringIO(text)):
        spelled = binding.original.string
        empty = (
            spelled[: -len(spelled.lstrip())] if spelled.strip() else ""
        )  # a binding begins with the lines before it
        line = binding.original.line + empty.count("\n")
        found.append(EnvLine(binding.key or "", binding.value, line, spelled, binding.error))
    return tuple(found)


def expand(value: str, known: Mapping[str, str], *, strict: bool = False) -> str | None:
    """Return a value with `${NAME}` and `${NAME:-default}` in it replaced.

    Args:
        value: as it is written.
        known: what the names stand for.
        strict: return None where a name is unknown and has no default; else it stands for nothing, as in python-dotenv.
    """
    from dotenv.variables import Variable, parse_variables

    atoms = tuple(parse_variables(value))
    if strict and any(isinstance(a, Variable) and a.default is None and a.name not in known for a in atoms):
        return None
    return "".join(atom.resolve(known) for atom in atoms)
