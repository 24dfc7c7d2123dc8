"""A plan as the configuration spells it: the text of `[tool.statecheck.template]`, and the file with it in."""

from __future__ import annotations

import difflib
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from statecheck.errors import StatecheckError, explain_system_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statecheck.talk.plan import Json, Plan

_TABLE = "tool.statecheck.template"
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def spell_template(plan: Plan) -> str:
    """Return the table that spells a plan's requests, or "" where they are no requests: a call, a bot's event."""
    if plan.kind == "callable":
        return ""
    lines = [f"[{_TABLE}]", *_request(plan)]
    if plan.given and plan.opening is not None:
        lines.append(f"given = {_value(plan.given)}")
    if plan.opening is not None:
        lines += ["", f"[{_TABLE}.opening]", *_request(plan.opening)]
    for step in plan.before:
        lines += ["", f"[[{_TABLE}.steps]]", *_request(step.request)]
        lines += [f"gives = {_value(dict(step.gives))}"] if step.gives else []
        lines += ["optional = true"] if step.optional else []
    return "\n".join(lines) + "\n"


def write_template(plan: Plan, file: Path) -> str:
    """Write a plan's template at the end of a pyproject.toml, which is made if it is not there; return the difference.

    What is in the file stays as it is, comments and layout too.

    Raises:
        StatecheckError: the file has a template, takes no further table, or cannot be written; or the plan is a call.
    """
    table = spell_template(plan)
    if not table:
        raise StatecheckError(
            "no-template",
            "a function that is called needs no template",
            "name it: `statecheck diagnose FILE.py:FUNCTION`",
        )
    try:
        before = file.read_bytes().decode("utf-8") if file.exists() else ""
        after = _append(before, table)
        _check(after, file)
        file.write_bytes(after.encode())
    except OSError as error:
        raise explain_system_error(error) or StatecheckError(
            "config-unwritable", f"cannot write `{file}`: {error.strerror}", "check who may write it"
        ) from error
    name = file.name
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, name if before else "/dev/null", name))


def _append(before: str, table: str) -> str:
    """Return a text with a table after it, a blank line between, in the text's own line ends."""
    end = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before.strip() else end if before.endswith("\n") else end * 2
    return before + gap + table.replace("\n", end)


def _check(text: str, file: Path) -> None:
    """Refuse a text that is not TOML with the table in it.

    Raises:
        StatecheckError: always then.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StatecheckError(
            "template-there",
            f"`{file}` has a template, or takes no further table: {error}",
            f"take [{_TABLE}] out of it first, or edit it there",
        ) from error


def _request(plan: Plan) -> Iterator[str]:
    """Yield the lines of one request, without what is so by default."""
    yield f"method = {_value(plan.method)}"
    yield f"path = {_value(plan.path)}"
    for name, pairs in (("query", plan.query), ("headers", plan.headers), ("cookies", plan.cookies)):
        if pairs:
            yield f"{name} = {_value(dict(pairs))}"
    if plan.encoding not in ("json", "none"):
        yield f"encoding = {_value(plan.encoding)}"
    if plan.body is not None:
        yield f"body = {_value(plan.body)}"


def _value(value: Json | Any) -> str:
    """Return a value in TOML; null, which it has not, is left out where it is one of several."""
    if isinstance(value, dict):
        parts = [f"{_key(name)} = {_value(item)}" for name, item in value.items() if item is not None]
        return f"{{ {', '.join(parts)} }}" if parts else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value if item is not None)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)
