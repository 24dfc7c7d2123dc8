"""What a variable has to hold so that a target finds a throwaway server, in the form that it takes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from statecheck.source.project.service_kinds import Kind, find_url, kind_of_url

if TYPE_CHECKING:
    from collections.abc import Container

    from statecheck.source.project.services import Variable

HOST = "127.0.0.1"
_NAMES = {"redis": "0", "postgres": "postgres", "mongodb": "statecheck"}
_NAME = _NAMES["postgres"]
_PASSWORD = "sc-dummy"  # noqa: S105 - any will do
_PLAIN = {"rediss": "redis", "valkeys": "valkey", "mongodb+srv": "mongodb"}
_WITHOUT_LOGIN = ("redis", "mongodb")
_NOT_HERE = re.compile(
    r"ssl|tls|channel_binding|host|port|service|target_session|replicaSet|auth|directConnection", re.IGNORECASE
)
_WORDS = re.compile(r"\b(host|port|sslmode)=\S*\s*")
_ASYNC = frozenset(("create_async_engine", "async_database_uri", "SQLAlchemyChatStore", "async_engine_from_config"))
_SYNC = frozenset(("create_engine", "engine_from_config", "SQLDatabase", "SQLDatabase.from_uri"))


DRIVERS = ("asyncpg", "psycopg2", "psycopg")


def value_for(
    variable: Variable, kind: Kind, port: int, drivers: Container[str] = DRIVERS, *, is_set: bool = False
) -> str | None:
    """The value of a variable, or None where it is best left as it is.

    Args:
        port: at which the server is, on this machine.
        drivers: those of `DRIVERS` that the target's interpreter has.
        is_set: the user's environment has it.
    """
    if variable.optional:
        return None
    if variable.part == "url":
        return _url(variable, kind, port, drivers)
    if variable.part in ("host", "port"):
        return HOST if variable.part == "host" else str(port)
    if is_set or variable.default is not None:
        return None
    if variable.part == "password":
        return _PASSWORD
    return variable.examples[0] if variable.examples else _NAMES[kind.name]


def _url(variable: Variable, kind: Kind, port: int, drivers: Container[str]) -> str:
    for text in variable.examples:
        inside = find_url(text)
        if inside != text and kind_of_url(inside) is kind:  # the rest of a connection string stays as it is
            own = _url(replace(variable, examples=(inside,)), kind, port, drivers)
            return text.replace(inside, own) if inside in text else text.replace(quote(inside, ""), quote(own, ""))
    example = next((each for each in variable.examples if kind_of_url(each) is kind), "")
    if not example:
        words = next((each for each in variable.examples if "dbname=" in each or "host=" in each), "")
        if words:
            return f"{_WORDS.sub('', words).strip()} host={HOST} port={port}"
        if kind.name in _WITHOUT_LOGIN:
            return f"{kind.name}://{HOST}:{port}/{_NAMES[kind.name]}"
        return f"{_scheme(variable, drivers)}://{_authority('', port)}/{_NAME}"
    scheme, _, rest = example.strip().partition("://")
    parts = urlsplit(f"//{rest}")
    query = [(name, value) for name, value in parse_qsl(parts.query) if not _NOT_HERE.search(name)]
    after = f"?{urlencode(query)}" if query else ""
    scheme = _PLAIN.get(scheme.lower(), scheme)
    if kind.name in _WITHOUT_LOGIN:
        return f"{scheme}://{HOST}:{port}{parts.path or '/'}{after}"
    path = parts.path if parts.path.strip("/") else f"/{_NAME}"
    return f"{scheme}://{_authority(parts.username or '', port)}{path}{after}"


def _authority(user: str, port: int) -> str:
    return f"{user or _NAME}:{_PASSWORD}@{HOST}:{port}"


def _scheme(variable: Variable, drivers: Container[str]) -> str:
    """The scheme of a PostgreSQL URL that is nowhere written out: with the driver that what takes it would need."""
    plain = "postgresql"
    if "replace" in variable.handed:  # the code makes the form that it needs from the usual one
        return plain
    if variable.handed & _ASYNC:
        return f"{plain}+asyncpg" if "asyncpg" in drivers else f"{plain}+psycopg"
    if variable.handed & _SYNC:
        return f"{plain}+psycopg2" if "psycopg2" in drivers else f"{plain}+psycopg"
    return plain
