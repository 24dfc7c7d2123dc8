"""Files of variables, read as python-dotenv reads them: `.env`, and those that are handed over with `--env-file`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.credentials.config_texts import mask_text
from statecheck.errors import StatecheckError
from statecheck.lab.environment.variables import scrub_value
from statecheck.source.code.reading import exists, is_file
from statecheck.source.project.env_text import EnvLine, expand, read_env_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_MOST_BYTES = 1 << 20


def read_handed_over(file: Path, ambient: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables of a file that the user names, as they are.

    Args:
        file: what was named.
        ambient: what `${NAME}` in a value may stand for, beside the file's own.

    Raises:
        StatecheckError: it cannot be read, or a line of it is no `NAME=VALUE`.
    """
    if exists(file) and not is_file(file):  # what waits for a writer, or never ends
        raise StatecheckError(
            "env-file", f"`{file}` is no regular file", "name a file of NAME=VALUE lines with --env-file"
        )
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise StatecheckError(
            "env-file", f"cannot read `{file}`: {error.strerror}", "name a file of NAME=VALUE lines with --env-file"
        ) from error
    except UnicodeDecodeError as error:
        raise StatecheckError("env-file", f"`{file}` is not UTF-8", "save it as UTF-8") from error
    lines = read_env_lines(text)
    for line in lines:
        if line.broken or "\0" in line.spelled:
            raise StatecheckError("env-file", f"`{file}:{line.line}` is no NAME=VALUE", "mend this line")
    return tuple(_values(lines, ambient, lambda _, value: value).items())


def read_variables(file: Path, ambient: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a project's own file, with dummies for secrets, also where `${NAME}` stands for one.

    Lines that set nothing are left out.
    """
    return _values(_lines(file), {name: scrub_value(name, value) for name, value in ambient.items()}, scrub_value)


def find_secrets(file: Path) -> tuple[str, ...]:
    """Return the names of a file's variables that hold what looks like a secret."""
    return tuple(line.name for line in _lines(file) if line.name and _without_secret(line) != line.value)


def mask_secrets(files: Iterable[Path], settled: Mapping[str, str]) -> dict[str, str]:
    """Return {path: text} of the files that the target may not see as they are: with dummies for secrets.

    Args:
        files: of the project's.
        settled: see `mask_env_text`.
    """
    texts = {}
    for file in files:
        text = _read(file)
        masked, _ = mask_env_text(text, settled)
        if masked != text:
            texts[str(file)] = masked
    return texts


def mask_env_text(text: str, settled: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file of variables with dummies for its secrets, and these.

    Args:
        text: of the file.
        settled: variables that are given for this run; a file that sets them otherwise is made to say the same, as
            the app may read it over its environment.
    """
    parts, secrets = [], []
    for line in read_env_lines(text):
        safe = _without_secret(line)
        value = settled.get(line.name, safe)
        if line.value is not None and safe != line.value:
            secrets.append(line.value)
        if line.value is None or value in (None, line.value):
            parts.append(_mask_comment(line.spelled) if line.value is None else line.spelled)
        else:
            quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
            parts.append(f"{line.name}='{quoted}'\n")
    return "".join(parts), tuple(secrets)


def _mask_comment(text: str) -> str:
    return mask_text(text, lambda _: False)[0]


def _without_secret(line: EnvLine) -> str | None:
    return scrub_value(line.name, line.value) if line.name and line.value else line.value


def _lines(file: Path) -> tuple[EnvLine, ...]:
    return read_env_lines(_read(file))


def _read(file: Path) -> str:
    if not is_file(file):
        return ""
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return ""


def _values(lines: tuple[EnvLine, ...], known: Mapping[str, str], take: Callable[[str, str], str]) -> dict[str, str]:
    """Return names and what is taken of their values, `${NAME}` and `${NAME:-default}` in them replaced."""
    found: dict[str, str] = {}
    for line in lines:
        if line.name and line.value is not None and "\0" not in line.value:
            value = expand(line.value, {**known, **found}) or ""
            found[line.name] = take(line.name, value)
    return found
