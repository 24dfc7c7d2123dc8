"""A request as it is sent: a plan with its placeholders filled."""

from __future__ import annotations

import json
import re
import string
import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from uuid import UUID

from statecheck.source.fields import FILE, Encoding, Form, Json
from statecheck.talk.plan import EVENT, EVENT_NUMBER, EVENT_UUID, HISTORY, MESSAGE, MESSAGES, SESSION, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from statecheck.talk.plan import Plan

_HOST = re.compile(re.escape(SESSION) + r"@[\w.-]+")


@dataclass(frozen=True, slots=True)
class Request:
    """A plan with its placeholders filled, ready to be sent.

    Attributes:
        path: percent-encoded, without the query.
        args: for a callable: its positional arguments.
        keywords: and those that it takes by name.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    encoding: Encoding = "none"
    body: Json = None
    args: tuple[Json, ...] = ()
    keywords: tuple[tuple[str, Json], ...] = ()

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


def render(
    plan: Plan,
    session: str | int,
    message: str,
    history: Sequence[tuple[str, str]] = (),
    user: str = "",
    more: Mapping[str, str | int] = MappingProxyType({}),
) -> Request:
    """Fill a plan's placeholders.

    Args:
        plan: the template.
        session: the session key; a JSON number where it is one, or the plan asks for one, and the value is all
            placeholder.
        message: the user's new words.
        history: the conversation before them, as (role, content).
        user: who is talking, where that is not the session.
        more: other placeholders by their names, without braces, with their values; a number stays one where it is the
            whole value.
    """
    role, content = plan.turn_keys
    turns: list[Json] = [
        {**_number(plan.turn_more, n), role: speaker, content: _write(plan.turn_parts, said)}
        for n, (speaker, said) in enumerate((*history, ("user", message)), 1)
    ]
    lists: dict[str, list[Json]] = {HISTORY: turns[:-1], MESSAGES: turns}
    values = {f"{{{name}}}": str(value) for name, value in more.items()}
    wholes: dict[str, Json] = {f"{{{name}}}": value for name, value in more.items() if isinstance(value, int)}
    wholes |= lists
    values |= {SESSION: str(session), MESSAGE: message, USER: user}
    values |= {name: json.dumps(each) for name, each in lists.items()}
    event = zlib.crc32(message.encode("utf-8", "replace"))
    values |= {EVENT: f"sc-e{event:08x}", EVENT_NUMBER: str(event), EVENT_UUID: str(UUID(int=event, version=4))}
    wholes[EVENT_NUMBER] = event
    asked = plan.session_form == "integer" and re.fullmatch(r"-?\d+", str(session)) is not None
    number = asked or isinstance(session, int)

    def text(template: str) -> str:
        whole_address = "@" in str(session)  # which needs no host of the plan's
        return _fill(_HOST.sub(SESSION, template) if whole_address else template, values, str)

    def whole(template: str) -> Json:
        if template in wholes:
            return wholes[template]
        return int(session) if number and template == SESSION else text(template)

    def deep(value: Json) -> Json:
        if isinstance(value, str):
            return whole(value)
        if isinstance(value, list):
            return [deep(item) for item in value]
        return {text(key): deep(item) for key, item in value.items()} if isinstance(value, dict) else value

    def flat(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, text(value)) for name, value in pairs)

    body = deep(plan.body)
    if plan.encoding in ("form", "multipart") and isinstance(body, dict):
        body = {key: item if isinstance(item, str) or item == FILE else json.dumps(item) for key, item in body.items()}
    return Request(
        method=plan.method,
        path=_fill(plan.path, values, lambda value: quote(value, safe="")),
        query=flat(plan.query),
        headers=flat(plan.headers),
        cookies=flat(plan.cookies),
        encoding=plan.encoding,
        body=body,
        args=tuple(deep(argument) for argument in plan.args),
        keywords=tuple((name, deep(value)) for name, value in plan.keywords),
    )


def _number(more: Sequence[tuple[str, Json]], n: int) -> dict[str, Json]:
    """Return what else the nth turn of a conversation has: an id of its own, the same whenever it is sent."""
    return {key: f"{n}" if key == "id" and isinstance(value, str) else value for key, value in more}


def _write(parts: Json, said: str) -> Json:
    """Return how something is said in typed parts; as it is, where there are none."""
    if isinstance(parts, list):
        return [_write(part, said) for part in parts]
    if isinstance(parts, dict):
        return {key: _write(part, said) for key, part in parts.items()}
    return said if parts in (None, MESSAGE) else parts


def _fill(template: str, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
    """Replace the placeholders in one pass, so that none is found in what was put in."""
    return re.sub(r"\{\w+\}", lambda found: escape(values[found[0]]) if found[0] in values else found[0], template)


def session_key(form: Form, rng: Random) -> str:
    """Return a new session key of this form: `sc-` and 12 hex digits, a word of them, a UUID, capitals, a number."""
    if form == "uuid":
        return str(UUID(int=rng.getrandbits(128), version=4))
    if form == "capitals":
        return f"SC{''.join(rng.choices(string.ascii_uppercase, k=10))}"
    if form == "integer":
        return str(rng.randrange(100_000, 2**31))
    return f"sc{'-' if form == 'token' else ''}{rng.getrandbits(48):012x}"
