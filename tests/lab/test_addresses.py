"""The form in which a target is told where a throwaway server is."""

from __future__ import annotations

from typing import Any

import pytest

from statecheck.lab.services.addresses import value_for
from statecheck.model import Anchor
from statecheck.source.project.service_kinds import BY_NAME
from statecheck.source.project.services import Variable

HERE = Anchor("app.py", 1)


def variable(part: Any, *examples: str, default: str | None = None, optional: bool = False, to: str = "") -> Variable:
    return Variable("NAME", part, examples, default, optional, HERE, frozenset(to.split()))


@pytest.mark.parametrize(
    ("kind", "asked", "value"),
    [
        ("redis", variable("url"), "redis://127.0.0.1:1/0"),
        ("redis", variable("url", "rediss://me:secret@prod:6380/3?ssl_cert_reqs=none"), "redis://127.0.0.1:1/3"),
        ("redis", variable("url", "redis://c/?protocol=3"), "redis://127.0.0.1:1/?protocol=3"),
        ("redis", variable("host", "cache"), "127.0.0.1"),
        ("redis", variable("port"), "1"),
        ("redis", variable("database"), "0"),
        ("redis", variable("database", default="2"), None),
        ("redis", variable("url", optional=True), None),
        ("redis", variable("url", "redis://example/0", optional=True), None),
        ("redis", variable("url", "kind=a;url=redis://c:6380/2;pool=4"), "kind=a;url=redis://127.0.0.1:1/2;pool=4"),
        (
            "postgres",
            variable("url", "store://x?dsn=postgresql%3A%2F%2Fme%3Apw%40db%2Fchat&size=3"),
            "store://x?dsn=postgresql%3A%2F%2Fme%3Asc-dummy%40127.0.0.1%3A1%2Fchat&size=3",
        ),
        ("mongodb", variable("url"), "mongodb://127.0.0.1:1/statecheck"),
        (
            "mongodb",
            variable("url", "mongodb+srv://me:secret@cluster0.example.net/chat?retryWrites=true&authSource=admin"),
            "mongodb://127.0.0.1:1/chat?retryWrites=true",
        ),
        ("mongodb", variable("url", "mongodb://db:27017"), "mongodb://127.0.0.1:1/"),
        ("mongodb", variable("database"), "statecheck"),
        ("postgres", variable("url"), "postgresql://postgres:sc-dummy@127.0.0.1:1/postgres"),
        (
            "postgres",
            variable("url", to="create_async_engine"),
            "postgresql+asyncpg://postgres:sc-dummy@127.0.0.1:1/postgres",
        ),
        (
            "postgres",
            variable("url", to="create_async_engine replace"),
            "postgresql://postgres:sc-dummy@127.0.0.1:1/postgres",
        ),
        (
            "postgres",
            variable("url", "postgresql+psycopg://svc:s3cret@prod:5432/chat?sslmode=require&application_name=bot"),
            "postgresql+psycopg://svc:sc-dummy@127.0.0.1:1/chat?application_name=bot",
        ),
        ("postgres", variable("url", "dbname=a host=prod port=5 sslmode=require"), "dbname=a host=127.0.0.1 port=1"),
        ("postgres", variable("user", "svc"), "svc"),
        ("postgres", variable("password", "s3cret"), "sc-dummy"),
    ],
)
def test_what_a_variable_holds(kind: str, asked: Variable, value: str | None) -> None:
    assert value_for(asked, BY_NAME[kind], 1) == value
