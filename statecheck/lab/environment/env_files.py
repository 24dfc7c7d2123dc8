"""Files of variables, read as python-dotenv reads them: `.env`, and those that are handed over with `--env-file`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from dotenv.parser import Binding, parse_stream
from dotenv.variables import parse_variables

from statecheck.errors import StatecheckError
from statecheck.lab.environment.variables import scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_MOST_BYTES = 1 << 20


def handed_over(file: Path, ambient: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables of a file that the user names, as they are.

    Args:
        file: what was named.
        ambient: what `${NAME}` in a value may stand for, beside the file's own.

    Raises:
        StatecheckError: it cannot be read, or a line of it is no `NAME=VALUE`.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise StatecheckError(
            "env-file", f"cannot read `{file}`: {error.strerror}", "name a file of NAME=VALUE lines with --env-file"
        ) from error
    except UnicodeDecodeError as error:
        raise StatecheckError("env-file", f"`{file}` is not UTF-8", "save it as UTF-8") from error
    bindings = tuple(parse_stream(io.StringIO(text)))
    for binding in bindings:
        if binding.error:
            said = binding.original.string
            line = binding.original.line + said[: -len(said.lstrip())].count("\n")  # it begins with the empty lines
            raise StatecheckError("env-file", f"`{file}:{line}` is no NAME=VALUE", "mend this line")
    return tuple(_values(bindings, ambient, lambda _, value: value).items())


def variables(file: Path, ambient: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a project's own file, with dummies for secrets, also where `${NAME}` stands for one.

    Lines that set nothing are left out.
    """
    return _values(_bindings(file), {name: scrubbed(name, value) for name, value in ambient.items()}, scrubbed)


def secrets(file: Path) -> tuple[str, ...]:
    """Return the names of a file's variables that hold what looks like a secret."""
    return tuple(binding.key for binding in _bindings(file) if binding.key and _scrubbed(binding) != binding.value)


def masked(files: Iterable[Path], settled: Mapping[str, str]) -> dict[str, str]:
    """Return {path: text} of the files that the target may not see as they are: with dummies for secrets.

    Args:
        files: of the project's.
        settled: variables that are given for this run; a file that sets them otherwise is made to say the same, as
            the app may read it over its environment.
    """
    texts = {}
    for file in files:
        parts = []
        changed = False
        for binding in _bindings(file):
            value = settled.get(binding.key or "", _scrubbed(binding))
            if binding.value is None or value in (None, binding.value):
                parts.append(binding.original.string)
            else:
                changed = True
                quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
                parts.append(f"{binding.key}='{quoted}'\n")
        if changed:
            texts[str(file)] = "".join(parts)
    return texts


def _scrubbed(binding: Binding) -> str | None:
    return scrubbed(binding.key, binding.value) if binding.key and binding.value else binding.value


def _bindings(file: Path) -> tuple[Binding, ...]:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return ()
    return tuple(parse_stream(io.StringIO(text)))


def _values(bindings: tuple[Binding, ...], known: Mapping[str, str], kept: Callable[[str, str], str]) -> dict[str, str]:
    """Return names and what is kept of their values, `${NAME}` and `${NAME:-default}` in them replaced."""
    found: dict[str, str] = {}
    for binding in bindings:
        if binding.key and binding.value is not None and "\0" not in binding.value:
            value = "".join(atom.resolve({**known, **found}) for atom in parse_variables(binding.value))
            found[binding.key] = kept(binding.key, value)
    return found
