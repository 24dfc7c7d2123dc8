"""Variables that an app cannot do without and that nothing sets: what they are given, and what the report says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed

from statecheck.lab.environment.placeholders import fill_placeholders, fill_unset, take_kept_paths
from statecheck.options.config import Options
from statecheck.source.code.tree import SourceTree
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = """\
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    title: str
    admin: EmailStr
    admin_password: str
    port: int
    debug: bool = Field(...)
    site: Annotated[HttpUrl, "where it is"]
    frontend_host: str
    mode: Literal["memory", "redis"]
    size: int = 60 * 24
    token_minutes: int = 60 * 24
    key: str = Field(default_factory=make_key)
    greeting: str | None = None
"""
MADE_UP = {"TITLE": "sc-dummy", "ADMIN": "somebody@example.com", "ADMIN_PASSWORD": "sc-dummy", "PORT": "1024", "DEBUG": "false", "SITE": "http://127.0.0.1/", "FRONTEND_HOST": "127.0.0.1"}  # fmt: skip # noqa: E501 - one table
FERNET_KEY = "c2MtZHVtbXkta2V5LW9mLXRoaXJ0eS10d28tYnl0ZXM="
BOT = "def reply(session_id, text): return text\n"


@pytest.mark.parametrize(
    ("source", "values"),
    [
        (FIELDS, MADE_UP),
        ("import os\nx = os.environ['SHOP_REGION'], int(os.environ['SHOP_SIZE'])\n", {"SHOP_REGION": "sc-dummy", "SHOP_SIZE": "1024"}),  # noqa: E501 - one case a line
        ("import os\nX = os.getenv('SHOP_REGION')\nif not X:\n    raise SystemExit(1)\n", {"SHOP_REGION": "sc-dummy"}),
        ("import os\nX = os.getenv('SHOP_REGION')\nassert X, 'set it'\n", {"SHOP_REGION": "sc-dummy"}),
        ("import os\ndef need(name):\n    found = os.getenv(name)\n    if not found:\n        raise OSError(name)\n    return found\nX = need('SHOP_REGION')\n", {"SHOP_REGION": "sc-dummy"}),  # noqa: E501 - one case a line
        ("import os\ndef look(name):\n    return os.getenv(name)\nX = look('SHOP_REGION')\n", {}),
        ("import os\nx = os.getenv('SHOP_REGION')\n", {}),
        ("import os\nx = os.environ['SHOP_REGION'] if 'SHOP_REGION' in os.environ else ''\n", {}),
        ("import os\ntry:\n    x = os.environ['SHOP_REGION']\nexcept KeyError:\n    x = ''\n", {}),
        ("import os\nos.environ['SHOP_REGION'] = 'eu'\nx = os.environ['SHOP_REGION']\n", {}),
        ("import os\nx = os.environ['MONGODB_URI']\n", {}),
        ("import os\nx = Fernet(os.environ['DIARY_KEY'].encode())\n", {"DIARY_KEY": FERNET_KEY}),
        ("import os\nKEY = os.getenv('DIARY_KEY')\nself.box = Fernet(KEY)\n", {"DIARY_KEY": FERNET_KEY}),
        ("import os\nx = Fernet(os.environ.get('DIARY_KEY') or Fernet.generate_key())\n", {}),
        ("import os\nx = os.getenv('DIARY_KEY', secrets.token_hex(16))\n", {}),
        ("import os\nx = os.getenv('DIARY_KEY') or sys.exit('no key')\n", {"DIARY_KEY": "sc-dummy"}),
        ("import os\nx = json.loads(os.environ['CLOUD_CREDENTIALS'])\n", {"CLOUD_CREDENTIALS": "{}"}),
        ("import os\nx = App(token=os.environ['BOT_KEY'])\ndef f(token): return json.loads(token)\n", {"BOT_KEY": "sc-dummy"}),  # noqa: E501 - one case a line
        ("import os\nROUNDS = os.getenv('ROUNDS')\nx = int(ROUNDS)\n", {"ROUNDS": "1024"}),
        ("import os\nx = [int(each) for each in os.getenv('DOORS').split(',')]\n", {"DOORS": "1024"}),
        ("import os\nx = tuple(map(UUID, os.environ['DOORS'].split()))\n", {"DOORS": "00000000-0000-4000-8000-000000000000"}),  # noqa: E501 - one case a line
        ("import os\nx = Client(base_url=os.environ['SHOP'])\n", {"SHOP": "http://127.0.0.1/"}),
    ],
)  # fmt: skip
def test_what_is_lacking_gets_a_value_that_its_type_takes(tmp_path: Path, source: str, values: dict[str, str]) -> None:
    (tmp_path / "app.py").write_text(source)
    read = read_settings(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"))

    assert fill_placeholders(read, (), {}, ProjectFiles(tmp_path), ("MONGODB_URI",))[0] == values


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("x = connect(os.getenv('SHOP_URL'), os.getenv('SHOP_REGION'))\n", {"SHOP_URL": "http://127.0.0.1/", "SHOP_REGION": "sc-dummy"}),  # noqa: E501 - one case a line
        ("URL = os.environ.get('SHOP_URL')\nx = connect(URL)\n", {"SHOP_URL": "http://127.0.0.1/"}),
        ("x = connect(os.getenv('SHOP_URL', 'here'))\n", {}),
        ("URL = os.getenv('SHOP_URL')\nif URL:\n    x = connect(URL)\n", {}),
        ("x = os.getenv('SHOP_URL')\n", {}),
        ("x = connect(os.getenv('MONGODB_URI'))\n", {}),
    ],
)  # fmt: skip
def test_what_is_handed_on_unset_gets_a_value_once_the_app_has_failed(
    tmp_path: Path, source: str, values: dict[str, str]
) -> None:
    (tmp_path / "app.py").write_text(f"import os\n{source}")
    read = read_settings(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"))

    assert fill_placeholders(read, (), {}, ProjectFiles(tmp_path), ())[0] == {}
    assert fill_unset(read, {}, ProjectFiles(tmp_path), ("MONGODB_URI",))[0] == values


def test_an_app_that_a_library_refuses_is_tried_with_what_it_left_unset(tmp_path: Path) -> None:
    user = User(tmp_path)
    client = "import os\ndef connect(url):\n    if not url:\n        raise ValueError('url is required')\n"
    user.write(bot=f"{client}client = connect(os.getenv('SHOP_URL'))\n{BOT}")
    result = diagnosed(user, "bot.py:reply", "namespace", Options(only=("same-process",)))

    assert "made up, as the app fails without them and nothing sets them: SHOP_URL; `--env` sets them" in (
        result.diagnosis.notes
    )
    assert "import-failed" not in {error.slug for error in result.diagnosis.errors}


def test_what_an_app_fails_on_next_is_told_where_it_gets_further(tmp_path: Path) -> None:
    user = User(tmp_path)
    client = "import os\ndef connect(url):\n    if not url:\n        raise ValueError('url is required')\n"
    fails = "def reply(session_id, text): raise LookupError('nobody is known')\n"
    user.write(bot=f"{client}client = connect(os.getenv('SHOP_URL'))\n{fails}")
    result = diagnosed(user, "bot.py:reply", "namespace", Options(only=("same-process",)))

    assert [error.slug for error in result.diagnosis.errors] == ["turn-refused"]
    assert any("SHOP_URL" in note for note in result.diagnosis.notes)


COMPOSE = """\
services:
  web:
    build: .
    environment: {SEATS_DB: "sqlite:////data/seats.db", SEATS_LOG: /database/log, SEATS_MODE: live, SEATS_KEEP: /data}
    volumes: ["seats:/data"]
"""


def test_variables_that_name_a_place_on_a_volume_are_those_of_the_deployment(tmp_path: Path) -> None:
    read = "os.getenv('SEATS_{}', 'here')"
    (tmp_path / "app.py").write_text("\n".join(["import os", *map(read.format, ("DB", "LOG", "MODE", "KEEP"))]))
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    settings = read_settings(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"))

    assert take_kept_paths(settings, {"SEATS_KEEP": "mine"}, ProjectFiles(tmp_path)) == (
        {"SEATS_DB": "sqlite:////data/seats.db"},
        ["taken from `docker-compose.yml`, as they name places on volumes: SEATS_DB"],
    )


def test_the_projects_examples_come_first_and_the_report_says_what_was_made_up(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(bot=f"import os\nSHOP = {{'eu': 1}}[os.environ['SHOP_REGION']], int(os.environ['SHOP_SIZE'])\n{BOT}")
    (user.project / ".env.example").write_text("SHOP_REGION=eu\n")
    result = diagnosed(user, "bot.py:reply", "namespace", Options(only=("same-process",)))

    assert [note for note in result.diagnosis.notes if "SHOP" in note] == [
        "taken from `.env.example`, as nothing else sets them: SHOP_REGION",
        "made up, as the app needs them and nothing sets them: SHOP_SIZE; `--env` sets them",
    ]


def test_where_a_dummy_is_refused_the_values_that_the_code_compares_with_are_tried(tmp_path: Path) -> None:
    user = User(tmp_path)
    choice = (
        "import os\nMODE = os.environ['SHOP_MODE']\nif MODE not in ('memory', 'redis'):\n    raise ValueError(MODE)\n"
    )
    user.write(bot=f"{choice}{BOT}")
    result = diagnosed(user, "bot.py:reply", "namespace", Options(only=("same-process",)))

    assert [note for note in result.diagnosis.notes if "SHOP" in note and "compares" in note] == [
        "taken from what the code compares with, as nothing sets it: `SHOP_MODE=memory`"
    ]
    assert "import-failed" not in {error.slug for error in result.diagnosis.errors}
