"""Which services the code names, by which variables and at which ports."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.services import Named, find_services
from statecheck.source.project.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path


def named(tmp_path: Path, source: str, ambient: dict[str, str] | None = None, **files: str) -> tuple[Named, ...]:
    (tmp_path / "app.py").write_text(textwrap.dedent(source), "utf-8")
    for name, content in files.items():
        (tmp_path / name.replace("__", ".")).write_text(textwrap.dedent(content), "utf-8")
    tree = SourceTree(tmp_path, tmp_path, tmp_path / "app.py")
    return find_services(tree, ProjectFiles(tmp_path), ambient or {}, read_settings(tree))


def told(service: Named) -> tuple[str, dict[str, str], tuple[int, ...], str]:
    parts: dict[str, str] = {variable.name: variable.part for variable in service.variables}
    return service.kind.name, parts, service.ports, f"{service.anchor.path}:{service.anchor.line}"


PYDANTIC = """\
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
class Base(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="bot_")
class Settings(Base):
    redis_url: str = "redis://redis:6379/0"
    pg: str = Field(validation_alias="STATE_DSN", default="postgresql+asyncpg://a:b@db/c")
    redis_ttl: int = 60
settings = Settings()
class Reply(BaseModel):
    class Settings:
        frozen = True
"""
DJANGO = """\
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "db"}}
CACHES = {"default": {"LOCATION": "redis://127.0.0.1:6390/1"}}
"""


@pytest.mark.parametrize(
    ("source", "services"),
    [
        ("import os\nx = os.environ['REDIS_URL']\n", [("redis", {"REDIS_URL": "url"}, (), "app.py:2")]),
        ("import redis\nr = redis.Redis()\n", [("redis", {}, (6379,), "app.py:1")]),
        ("import redis\nr = redis.Redis('cache', port=6390)\n", [("redis", {}, (6379, 6390), "app.py:1")]),
        ("URL = 'redis://localhost:6380/1'\n", [("redis", {}, (6380,), "app.py:1")]),
        ("import os\nx = os.getenv('QUEUE', 'redis://q:6380')\n", [("redis", {"QUEUE": "url"}, (), "app.py:2")]),
        (
            "import os, redis\nr = redis.Redis(host=os.environ['REDIS_HOST'], port=int(os.environ['REDIS_PORT']))\n",
            [("redis", {"REDIS_HOST": "host", "REDIS_PORT": "port"}, (), "app.py:2")],
        ),
        (
            "import os\nx = create_async_engine(os.environ['DATABASE_URL'])\n",
            [("postgres", {"DATABASE_URL": "url"}, (), "app.py:2")],
        ),
        ("import os\nx = os.getenv('DATABASE_URL', 'sqlite:///chat.db')\n", []),
        ("import os\nx = os.environ['OPENAI_API_KEY'], os.environ['REDIS_TTL'], os.environ['DB_PATH']\n", []),
        (
            "import os\nu = URL.create('mysql+pymysql', host=os.environ['DB_HOST'])\n",
            [("mysql", {"DB_HOST": "host"}, (0,), "app.py:2")],
        ),
        (
            "import dj_database_url\nD = {'default': dj_database_url.config(default='postgres://db')}\n",
            [("postgres", {"DATABASE_URL": "url"}, (), "app.py:2")],
        ),
        (
            "import os\nx = os.getenv('STORE', 'TableEndpoint=http://127.0.0.1:10002/a;AccountName=a')\n",
            [("azure-tables", {"STORE": "url"}, (), "app.py:2")],
        ),
        (
            "import os\nx = os.getenv('COSMOS', 'AccountEndpoint=https://localhost:8081/;AccountKey=k')\n",
            [("cosmos", {"COSMOS": "url"}, (), "app.py:2")],
        ),
        (
            "import os\nx = AzureChatStore.from_connection_string(os.environ['CHAT_STORE'])\n",
            [("azure-tables", {"CHAT_STORE": "url"}, (), "app.py:2")],
        ),
        (
            "import os\nx = os.getenv('STORE', 'kind=redis;url=redis://cache:6379/2;pool=4')\n",
            [("redis", {"STORE": "url"}, (), "app.py:2")],
        ),
        ("import os\nx = os.environ['redis_url']\n", [("redis", {"redis_url": "url"}, (), "app.py:2")]),
        ("import os\nx = f(os.getenv('USE_REDIS'), Redis(url=os.environ['UPSTASH_REDIS_REST_URL']))\n", []),
        ("import psycopg\nc = psycopg.connect('dbname=a port=5433')\n", [("postgres", {}, (5432, 5433), "app.py:1")]),
        (
            PYDANTIC,
            [
                ("redis", {"BOT_REDIS_URL": "url"}, (), "app.py:6"),
                ("postgres", {"STATE_DSN": "url"}, (), "app.py:7"),
            ],
        ),
        (DJANGO, [("redis", {}, (6390,), "app.py:2"), ("postgres", {}, (5432,), "app.py:1")]),
        ("import os\nx = os.environ['MONGODB_URI']\n", [("mongodb", {"MONGODB_URI": "url"}, (), "app.py:2")]),
        (
            "import pymongo\nc = pymongo.MongoClient('mongodb://db:27018')\n",
            [("mongodb", {}, (27017, 27018), "app.py:1")],
        ),
        ('"""It needs redis://localhost."""\nimport os\n', []),
    ],
    ids=lambda value: value.splitlines()[-1][:40] if isinstance(value, str) else "",
)
def test_what_is_named(tmp_path: Path, source: str, services: list[object]) -> None:
    assert [told(service) for service in named(tmp_path, source)] == services


OPTIONAL = "import os\nurl = os.getenv('REDIS_URL')\nstore = connect(url) if url else {}\n"


@pytest.mark.parametrize(
    ("source", "optional"),
    [
        (OPTIONAL, True),
        ("import os\nif 'REDIS_URL' in os.environ:\n    connect(os.environ['REDIS_URL'])\n", True),
        ("import os\nurl = os.getenv('REDIS_URL')\nif not url:\n    raise SystemExit('REDIS_URL')\n", False),
        ("import os\nurl = os.getenv('REDIS_URL') or 'redis://localhost'\nif url: pass\n", False),
        ("import os\nr = connect(os.getenv('REDIS_URL'))\n", False),
    ],
)
def test_whether_the_code_does_without(tmp_path: Path, source: str, optional: bool) -> None:
    (service,) = named(tmp_path, source)

    assert [variable.optional for variable in service.variables] == [optional]


def test_what_sets_a_variable_comes_before_the_code_and_that_before_examples(tmp_path: Path) -> None:
    source = "import os\nx = os.getenv('REDIS_URL', 'redis://c/2')\n"
    compose = "services:\n  web:\n    environment:\n      - REDIS_URL=redis://b/1\n"

    (by_example,) = named(tmp_path, source, __env__example="REDIS_URL=redis://d/3\n")
    (by_file,) = named(tmp_path, source, compose__yml=compose)
    (by_user,) = named(tmp_path, source, {"REDIS_URL": "redis://a/0"})

    assert by_example.variables[0].examples == ("redis://c/2", "redis://d/3")
    assert by_file.variables[0].examples[0] == "redis://b/1"
    assert by_user.variables[0].examples[0] == "redis://a/0"


@pytest.mark.parametrize(("name", "optional"), [(".env", False), (".env.example", True)])
def test_an_example_sets_nothing(tmp_path: Path, name: str, optional: bool) -> None:
    (tmp_path / name).write_text("REDIS_URL=redis://cache/0\n", "utf-8")
    (service,) = named(tmp_path, OPTIONAL)

    assert [variable.optional for variable in service.variables] == [optional]
