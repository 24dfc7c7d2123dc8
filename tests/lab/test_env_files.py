"""Files of variables: what the target gets of them, and what it does not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from labs import ISOLATIONS, User, diagnosed

from statecheck.errors import StatecheckError
from statecheck.lab.environment.env_files import find_secrets, mask_secrets, read_handed_over, read_variables
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sk-live-0123456789"
FILE = f"""\
# of the shop
MODE=test
export GREETING="good ${{MODE}}"
OPENAI_API_KEY={SECRET}
COPY=${{OPENAI_API_KEY}}
DATABASE_URL='postgresql://shop:{SECRET}@db.example:5432/shop'
BARE
"""
BOT = """\
import os
from pathlib import Path

NAMES = ("MODE", "GREETING", "OPENAI_API_KEY", "COPY", "DATABASE_URL")
before = {name: os.environ.get(name) for name in NAMES}


def reply(session_id, text):
    from dotenv import load_dotenv

    load_dotenv(override=True)
    after = {name: os.environ.get(name) for name in NAMES}
    return repr([text, before, after, Path(".env").read_text()])
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def ran(user: User, isolation: str, **options: object) -> str:
    """What the bot answers to its first turn, and everything else that is kept of the run."""
    user.write(bot=BOT)
    result = diagnosed(user, "bot.py:reply", isolation, Options(seed=1, only=("same-process",)).override(**options))
    assert user.left() == []
    kept = "".join(file.read_text() for file in sorted(result.folder.rglob("*")) if file.is_file())
    assert result.answers("same-process"), kept
    return result.answers("same-process")[0] + kept + repr(result.diagnosis)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_project_s_env_file_is_read_without_its_secrets_whoever_reads_it(user: User, isolation: str) -> None:
    file = user.project / ".env"
    file.write_text(FILE)
    before = user.snapshot()
    said = ran(user, isolation)

    assert "'GREETING': 'good test'" in said
    assert "'MODE': 'test'" in said
    assert "postgresql://shop:sc-dummy@db.example" in said
    assert SECRET not in said
    assert "read from `.env`: MODE, GREETING, OPENAI_API_KEY, COPY, DATABASE_URL; dummies stand for" in said
    assert {path: seen for path, seen in user.snapshot().items() if path != "project/bot.py"} == before


def test_a_file_that_is_handed_over_is_used_as_it_is(user: User) -> None:
    (user.project / ".env").write_text(FILE)
    said = ran(user, "namespace", env_files=(user.project / ".env",), env=(("MODE", "mine"),))

    assert "'MODE': 'mine'" in said
    assert "'OPENAI_API_KEY': '[a secret that was handed over]'" in said  # so the app was given it
    assert SECRET not in said
    assert "read from `.env`" not in said


def test_what_is_given_holds_against_a_file_that_is_read_over_it(user: User) -> None:
    (user.project / ".env").write_text(FILE)
    said = ran(user, "namespace", env=(("MODE", "mine"),))

    assert said.count("'MODE': 'mine'") > 1
    assert "'MODE': 'test'" not in said


def test_values_are_those_of_python_dotenv(tmp_path: Path) -> None:
    file = tmp_path / "test.env"
    file.write_text("\ufeffA=1\nB='x # y' # comment\nC=\"a\\nb\"\nD=${A}${HOME}${NO:-none}\nE=\n\nF\nA=2\n")

    assert read_handed_over(file, {"HOME": "/h"}) == (
        ("A", "2"),
        ("B", "x # y"),
        ("C", "a\nb"),
        ("D", "1/hnone"),
        ("E", ""),
    )
    assert read_variables(file, {"HOME": "/h", "A": "0"})["D"] == "1/hnone"


def test_no_secret_of_the_shell_gets_into_another_variable(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("COPY=${OPENAI_API_KEY}\n")

    assert read_variables(file, {"OPENAI_API_KEY": SECRET}) == {"COPY": "sc-dummy"}
    assert read_handed_over(file, {"OPENAI_API_KEY": SECRET}) == (("COPY", SECRET),)


def test_only_secrets_are_masked(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(FILE)

    text = FILE.replace(SECRET, "sc-dummy").replace("=sc-dummy", "='sc-dummy'")
    assert mask_secrets((file,), {}) == {str(file): text}
    assert mask_secrets((file,), {"MODE": "it's", "BARE": "x"}) == {
        str(file): text.replace("MODE=test", r"MODE='it\'s'")
    }
    assert find_secrets(file) == ("OPENAI_API_KEY", "DATABASE_URL")
    file.write_text("MODE=test\nOPENAI_API_KEY=\n")
    assert mask_secrets((file,), {}) == {}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot read `{}`: No such file or directory"),
        (b"A=1\n\nnot a line\n", "`{}:3` is no NAME=VALUE"),
        (b"\xff\xfe", "`{}` is not UTF-8"),
        (b"A=1\nB=a\0b\n", "`{}:2` is no NAME=VALUE"),
        (b"A\0B=1\n", "`{}:1` is no NAME=VALUE"),
    ],
)
def test_a_file_that_is_none_is_a_usage_error(tmp_path: Path, content: bytes | None, text: str) -> None:
    file = tmp_path / "test.env"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StatecheckError) as caught:
        read_handed_over(file, {})

    assert caught.value.text == text.format(file)
    assert caught.value.exit_code == 2


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / ".env"
    os.mkfifo(pipe)

    with pytest.raises(StatecheckError, match="is no regular file"):
        read_handed_over(pipe, {})
    assert read_variables(pipe, {}) == {}
