"""What a user asks for: defaults, then `[tool.statecheck]` of the project's pyproject.toml, then the command line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from statecheck.errors import StatecheckError
from statecheck.plan import HISTORY, MESSAGE, MESSAGES, SESSION, Json, Plan
from statecheck.suggest import unknown

if TYPE_CHECKING:
    from statecheck.model import Severity

EXPERIMENTS = (
    "same-process",
    "other-worker",
    "new-process",
    "new-container",
    "other-session",
    "concurrent",
    "concurrent-workers",
)
"""Names of the experiments, in the order in which they are reported."""

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
    plans_only: bool = False
    python: str | None = None
    app_dir: Path | None = None
    env_files: tuple[Path, ...] = ()

    def given(self, **values: object) -> Options:
        """Put what was given on top; None and () are not given, env, headers, volumes and files add up."""
        changes: dict[str, Any] = {name: value for name, value in values.items() if value not in (None, ())}
        for name in {"env", "headers", "volumes", "env_files"} & changes.keys():
            changes[name] = (*getattr(self, name), *changes[name])
        return replace(self, **changes)

    def selected(self) -> tuple[str, ...]:
        """Return the experiments that `only` and `skip` leave, in order."""
        return tuple(name for name in EXPERIMENTS if name not in self.skip and name in (self.only or EXPERIMENTS))


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
    tool = content.get("tool", {})
    table = tool.get("statecheck", {}) if isinstance(tool, dict) else {}
    return _options(_Table(file, "tool.statecheck", table))


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file, and how to say where a value stands in it."""

    file: Path
    name: str
    values: Mapping[str, object]

    def wrong(self, key: str, wanted: str) -> StatecheckError:
        where = f"`{key}` of [{self.name}]" if key else f"[{self.name}]"
        return StatecheckError(
            "config-invalid", f"{where} in `{self.file}` must be {wanted}", "mend it in pyproject.toml"
        )

    def check(self, known: Iterable[str]) -> None:
        if not isinstance(self.values, Mapping):
            raise self.wrong("", "a table")
        known = tuple(known)
        for key in self.values:
            if key not in known:
                raise unknown(
                    "config-unknown-key",
                    f"key in [{self.name}] of `{self.file}`:",
                    key,
                    known,
                    f"known keys: {', '.join(known)}",
                )

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def texts(self, key: str, *, one: bool = False) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if one and isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of strings")
        return tuple(value)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        value = self.values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self.wrong(key, "a table of strings")
        return tuple(value.items())

    def number(self, key: str) -> float | None:
        value = self.values.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9):
            raise self.wrong(key, "a positive number")
        return cast("float | None", value)

    def choice(self, key: str, known: tuple[str, ...]) -> str | None:
        value = self.text(key)
        if value is not None and value not in known:
            raise self.wrong(key, f"one of {', '.join(known)}")
        return value


def _options(table: _Table) -> Options:
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
    return Options().given(
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


def _python(table: _Table) -> str | None:
    """The interpreter that is named: a path relative to the file, or a command on PATH."""
    given = table.text("python")
    place = table.file.parent / (given or "")
    return str(place) if given and ("/" in given or place.exists()) else given


def _template(table: _Table) -> Plan | None:
    if "template" not in table.values:
        return None
    inner = _Table(table.file, "tool.statecheck.template", cast("Mapping[str, object]", table.values["template"]))
    inner.check((*_REQUEST, "opening", "given"))
    plan = _request(inner)
    message, session = _carrier(plan, MESSAGE) or _carrier(plan, MESSAGES), _carrier(plan, SESSION)
    opening = None
    if "opening" in inner.values:
        values = cast("Mapping[str, object]", inner.values["opening"])
        first = _Table(table.file, "tool.statecheck.template.opening", values)
        first.check(_REQUEST)
        opening = _request(first)
        opening = replace(opening, message_field=_carrier(opening, MESSAGE) or "")
    if message is None:
        raise inner.wrong("", f"a request with {MESSAGE} somewhere in it")
    why = (f"[tool.statecheck.template] in {table.file.name} says so",)
    given = inner.text("given") or ""
    carried = any(_carrier(plan, placeholder) for placeholder in (MESSAGES, HISTORY))
    told = replace(plan, message_field=message, session_field=session, carries_history=carried, why=why)
    return replace(told, opening=opening, given=given)


_REQUEST = ("method", "path", "query", "headers", "cookies", "encoding", "body")


def _request(table: _Table) -> Plan:
    """The request that a table spells."""
    body = cast("Json", table.values.get("body"))
    default = "none" if body is None else "json"
    method = (table.text("method") or ("GET" if body is None else "POST")).upper()
    return Plan(
        kind="websocket" if method == "WEBSOCKET" else "http",
        method=method,
        path=table.text("path") or "/",
        query=table.pairs("query"),
        headers=table.pairs("headers"),
        cookies=table.pairs("cookies"),
        encoding=cast("Any", table.choice("encoding", ("json", "form", "multipart", "none")) or default),
        body=body,
    )


def _carrier(plan: Plan, placeholder: str) -> str | None:
    """Where a placeholder travels, in words: `body message`, `header X-Session`, `path`."""
    if placeholder in plan.path:
        return "path"
    parts: list[tuple[str, tuple[tuple[str, str], ...]]]
    parts = [("query", plan.query), ("header", plan.headers), ("cookie", plan.cookies)]
    for part, pairs in parts:
        for name, value in pairs:
            if placeholder in value:
                return f"{part} {name}"
    return _in_body(plan.body, placeholder, "body")


def _in_body(value: Json, placeholder: str, where: str) -> str | None:
    if isinstance(value, str):
        return where if placeholder in value else None
    items: Iterable[tuple[object, Json]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        found = _in_body(item, placeholder, f"{where} {key}" if where == "body" else f"{where}.{key}")
        if found:
            return found
    return None
