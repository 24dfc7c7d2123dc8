"""How a client talks to a target: one request template with `{message}` and `{session}` in it.

A template of `[tool.statecheck]` has the same form, so there is one way to send a turn. Where a template comes
from, best first: the configuration, client code in the tree, OpenAPI, the handler's source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

from statecheck.model import Anchor

Json = Union[None, bool, int, float, str, list["Json"], dict[str, "Json"]]
MESSAGE, SESSION = "{message}", "{session}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to send a turn to one endpoint. Every string may hold the two placeholders.

    Attributes:
        kind: `http` (a request), or `callable` (a call with `args`).
        path: for http, with path parameters filled (`/desk/{session}/`).
        body: JSON value (encoding json), mapping of names to strings (form, multipart), or None (none).
        args: for callable: positional arguments.
        message_field, session_field: for people, where they travel (`body message`, `header X-Pupil`);
            session_field is None if nothing that names a session is sent.
        session_form: what the app's format asks of the key: `token` (starts with sc-), `uuid`, `integer`.
        carries_history: the request itself holds the earlier messages (a list is sent in full).
        handler: the endpoint's function, if known.
        why: how each choice was made, a sentence each.
    """

    kind: Literal["http", "callable"] = "http"
    method: str = "POST"
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    encoding: Literal["json", "form", "multipart", "none"] = "json"
    body: Json = None
    args: tuple[str, ...] = ()
    message_field: str = ""
    session_field: str | None = None
    session_form: Literal["token", "uuid", "integer"] = "token"
    carries_history: bool = False
    handler: Anchor | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint as the running app reports it: `methods` upper case, `file` absolute, or "" if unknown."""

    path: str
    methods: tuple[str, ...]
    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What the probe reports of the imported target.

    Attributes:
        framework: `fastapi`, `starlette`, `asgi`, `callable`, ….
        object: the attribute that was used (`app`, `bot.reply`).
        openapi: the app's OpenAPI document, or None.
        parameters: for a callable: its parameters' names, in order (without self), required ones only
            plus those whose name speaks.
    """

    framework: str
    object: str
    routes: tuple[Route, ...] = ()
    openapi: Json = None
    parameters: tuple[str, ...] = ()
