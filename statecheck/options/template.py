"""A template: the requests of a client, as the configuration spells them, read into a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from statecheck.options.tables import Table
from statecheck.talk.plan import HISTORY, MESSAGE, MESSAGES, SESSION, Json, Plan, Preliminary, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def template(table: Table) -> Plan | None:
    """Return the plan that a table's `template` spells, or None.

    Raises:
        StatecheckError: a key is unknown or of the wrong type, or nothing carries the message.
    """
    if "template" not in table.values:
        return None
    inner = Table(table.file, "tool.statecheck.template", cast("Mapping[str, object]", table.values["template"]))
    inner.check((*_REQUEST, "opening", "given", "steps"))
    plan = _request(inner)
    steps = _steps(inner)
    gives = dict(pair for step in steps for pair in step.gives)
    message, session = _carrier(plan, MESSAGE) or _carrier(plan, MESSAGES), _carrier(plan, SESSION)
    session = session or next((where for name in gives if (where := _carrier(plan, f"{{{name}}}"))), None)
    opening = None
    if "opening" in inner.values:
        values = cast("Mapping[str, object]", inner.values["opening"])
        first = Table(table.file, "tool.statecheck.template.opening", values)
        first.check(_REQUEST)
        opening = _request(first)
        opening = replace(opening, message_field=_carrier(opening, MESSAGE) or "")
    if message is None:
        raise inner.wrong("", f"a request with {MESSAGE} somewhere in it")
    why = (f"[tool.statecheck.template] in {table.file.name} says so",)
    given = inner.text("given") or gives.get("session", "")
    carried = any(_carrier(plan, placeholder) for placeholder in (MESSAGES, HISTORY))
    told = replace(plan, message_field=message, session_field=session, carries_history=carried, why=why)
    return replace(told, opening=opening, given=given, before=steps)


def _steps(table: Table) -> tuple[Preliminary, ...]:
    """Return the requests that a table's `steps` spell, each with what its answer gives for those after it."""
    values = table.values.get("steps", [])
    if not isinstance(values, list):
        raise table.wrong("steps", "a list of tables, `[[tool.statecheck.template.steps]]`")
    steps = []
    for number, each in enumerate(values, 1):
        step = Table(table.file, f"{table.name}.steps.{number}", cast("Mapping[str, object]", each))
        step.check((*_REQUEST, "gives", "optional"))
        steps.append(Preliminary(_request(step), step.pairs("gives"), optional=step.values.get("optional") is True))
    return tuple(steps)


_REQUEST = ("method", "path", "query", "headers", "cookies", "encoding", "body")


def _request(table: Table) -> Plan:
    """The request that a table spells."""
    body = cast("Json", table.values.get("body"))
    default = "none" if body is None else "json"
    method = (table.text("method") or ("GET" if body is None else "POST")).upper()
    return Plan(
        kind=kind_of(method),
        method=method,
        path=table.text("path") or "/",
        query=table.pairs("query"),
        headers=table.pairs("headers"),
        cookies=table.pairs("cookies"),
        encoding=cast("Any", table.choice("encoding", ("json", "form", "multipart", "text", "none")) or default),
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
