"""What a user asks for: defaults, then `[tool.statecheck]` of the project's pyproject.toml, then the command line."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statecheck.errors import StatecheckError
from statecheck.experiments import REPORTED
from statecheck.options.tables import Table

if TYPE_CHECKING:
    from statecheck.model import Severity
    from statecheck.talk.plan import Plan

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
TURN_SECONDS = 30
"""How long a turn may take unless `--timeout` says otherwise; the other limits scale with it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a diagnosis was asked to do.

    Attributes:
        endpoint, message_field, session_field: how a client talks, where it cannot be found out.
        env, headers: set in every worker, and sent with every turn; later ones win.
        volumes: absolute paths that outlive new-container.
        only, skip: names of experiments.
        timeout_scale: every limit is multiplied by it.
        seed: makes the markers and keys of a run the same as another run's.
        show_logs: the target's own output is shown, not only kept.
        template: a plan that settles how a client talks.
        python: the interpreter that runs the target, or the folder of its environment.
        app_dir: the import root, where it is not to be found out.
        env_files: files whose variables are set as if by `env`, which wins.
    """

    endpoint: str | None = None
    message_field: str | None = None
    session_field: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    volumes: tuple[Path, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    timeout_scale: float = 1.0
    seed: int | None = None
    show_logs: bool = False
    template: Plan | None = None
    fail_on: Severity = "error"
    python: str | None = None
    app_dir: Path | None = None
    env_files: tuple[Path, ...] = ()

    def override(self, **values: object) -> Options:
        """Put what was given on top; None and () are not given, env, headers, volumes and files add up."""
        changes: dict[str, Any] = {name: value for name, value in values.items() if value not in (None, ())}
        for name in {"env", "headers", "volumes", "env_files"} & changes.keys():
            changes[name] = (*getattr(self, name), *changes[name])
        return replace(self, **changes)

    def selected(self) -> tuple[str, ...]:
        """Return the experiments that `only` and `skip` leave, in order."""
        return tuple(name for name in REPORTED if name not in self.skip and name in (self.only or REPORTED))


def load(spec: str | None = None, folder: Path | None = None) -> Options:
    """Return the options of the project that a target belongs to.

    Args:
        spec: the target as it was given; if it lies outside the working directory, its own project is asked.
        folder: the working directory.
    """
    folder = folder or Path.cwd()
    named = folder / re.sub(r"(?<=\.py):.*", "", spec or "")
    if named.exists() and not named.resolve().is_relative_to(folder.resolve()):
        folder = named if named.is_dir() else named.parent
    file = find(folder)
    return read(file) if file else Options()


def find(folder: Path) -> Path | None:
    """Return the nearest pyproject.toml at or above a folder, not beyond the root of its repository."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / "pyproject.toml").is_file():
            return place / "pyproject.toml"
        if (place / ".git").exists():
            break
    return None


def read(file: Path) -> Options:
    """Return the options that a pyproject.toml holds.

    Raises:
        StatecheckError: it cannot be read, is not TOML, or a key is unknown or of the wrong type.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    text = ""
    try:
        text = file.read_text("utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise StatecheckError(
            "config-unreadable", f"cannot read `{file}`: {error.strerror}", "check who may read it"
        ) from error
    except UnicodeDecodeError as error:
        raise StatecheckError("config-invalid", f"`{file}` is not UTF-8", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = at[1] if at else len(text.splitlines())  # else it says "at end of document"
        raise StatecheckError("config-invalid", f"`{file}:{line}` is not TOML: {error}", "mend this line") from error
    except RecursionError as error:
        raise StatecheckError(
            "config-invalid", f"`{file}` is nested too deeply", "take out the brackets that are too many"
        ) from error
    tool = content.get("tool", {})
    table = tool.get("statecheck", {}) if isinstance(tool, dict) else {}
    return _options(Table(file, "tool.statecheck", table))


def _options(table: Table) -> Options:
    table.check(
        (
            "endpoint",
            "message-field",
            "session-field",
            "volumes",
            "headers",
            "env",
            "timeout",
            "fail-on",
            "template",
            "python",
            "env-file",
            "app-dir",
        )
    )
    timeout = table.number("timeout")
    app_dir = table.text("app-dir")
    return Options().override(
        endpoint=table.text("endpoint"),
        message_field=table.text("message-field"),
        session_field=table.text("session-field"),
        env=table.pairs("env"),
        headers=table.pairs("headers"),
        volumes=tuple(table.file.parent / path for path in table.texts("volumes")),
        timeout_scale=timeout / TURN_SECONDS if timeout else None,
        fail_on=table.choice("fail-on", SEVERITIES),
        template=_template(table),
        python=_python(table),
        app_dir=table.file.parent / app_dir if app_dir else None,
        env_files=tuple(table.file.parent / path for path in table.texts("env-file", one=True)),
    )


def _template(table: Table) -> Plan | None:
    if "template" not in table.values:
        return None
    from statecheck.options.template import template  # late: few projects have one

    return template(table)


def _python(table: Table) -> str | None:
    """The interpreter that is named: a path relative to the file, or a command on PATH."""
    given = table.text("python")
    place = table.file.parent / (given or "")
    return str(place) if given and ("/" in given or place.exists()) else given
