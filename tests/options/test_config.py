"""`[tool.statecheck]`: read with types and suggestions, below the command line and above the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.experiments import REPORTED
from statecheck.options import config
from statecheck.options.config import Options
from statecheck.talk.plan import Plan
from statecheck.talk.requests import render

WHOLE = """
[tool.statecheck]
endpoint = "POST /chat"
message-field = "text"
session-field = "user"
volumes = ["data", "/srv/data"]
headers = { Authorization = "Bearer x" }
env = { MODE = "prod" }
env-file = "test.env"
python = "envs/shop"
app-dir = "backend"
timeout = 60
fail-on = "warning"

[tool.statecheck.template]
path = "/v1/{session}/chat"
headers = { X-Team = "a" }
body = { messages = [{ role = "user", content = "{message}" }] }
given = "chat.id"

[tool.statecheck.template.opening]
path = "/v1/chats"
body = { owner = "{user}" }
"""


def read(folder: Path, text: str) -> Options:
    (folder / "pyproject.toml").write_text(text)
    return config.load(None, folder)


def test_every_key_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == Options(
        endpoint="POST /chat",
        message_field="text",
        session_field="user",
        volumes=(tmp_path / "data", Path("/srv/data")),
        headers=(("Authorization", "Bearer x"),),
        env=(("MODE", "prod"),),
        env_files=(tmp_path / "test.env",),
        python=str(tmp_path / "envs/shop"),
        app_dir=tmp_path / "backend",
        timeout_scale=2.0,
        fail_on="warning",
        template=Plan(
            path="/v1/{session}/chat",
            headers=(("X-Team", "a"),),
            body={"messages": [{"role": "user", "content": "{message}"}]},
            message_field="body messages.0.content",
            session_field="path",
            why=("[tool.statecheck.template] in pyproject.toml says so",),
            opening=Plan(path="/v1/chats", body={"owner": "{user}"}),
            given="chat.id",
        ),
    )


def test_a_template_may_take_several_steps_each_with_what_it_gives(tmp_path: Path) -> None:
    template = read(
        tmp_path,
        """
        [tool.statecheck.template]
        path = "/desk"
        headers = { Authorization = "Bearer {token}" }
        body = { text = "{message}" }

        [[tool.statecheck.template.steps]]
        path = "/members"
        body = { name = "{user}", password = "{password}" }

        [[tool.statecheck.template.steps]]
        path = "/token"
        encoding = "form"
        body = { username = "{user}", password = "{password}" }
        gives = { token = "access_token" }
        """,
    ).template

    assert template is not None
    assert [step.request.path for step in template.before] == ["/members", "/token"]
    assert [dict(step.gives) for step in template.before] == [{}, {"token": "access_token"}]
    assert (template.session_field, template.given) == ("header Authorization", "")
    filled = render(template, "sc-1", "hello", user="sc-1", more={"token": "t1"})
    assert dict(filled.headers) == {"Authorization": "Bearer t1"}


def test_a_template_may_carry_the_conversation(tmp_path: Path) -> None:
    template = read(tmp_path, "[tool.statecheck.template]\nbody = { messages = '{messages}' }\n").template

    assert template is not None
    assert (template.message_field, template.carries_history) == ("body messages", True)


@pytest.mark.parametrize("text", ["", "[tool.other]\nendpoint = 1\n", "tool = 3\n"])
def test_nothing_said_is_the_defaults(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Options()


def test_no_file_is_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    assert config.load(None, tmp_path) == Options()


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("endpoit = '/chat'", "unknown key in [tool.statecheck]", "did you mean `endpoint`?"),
        ("zzz = 1", "unknown key in [tool.statecheck]", "known keys: endpoint, message-field"),
        ("endpoint = 3", "`endpoint` of [tool.statecheck]", ""),
        ("volumes = 'data'", "must be a list of strings", ""),
        ("env = { A = 1 }", "`env` of [tool.statecheck]", ""),
        ("env-file = [1]", "`env-file` of [tool.statecheck]", ""),
        ("python = 3.12", "`python` of [tool.statecheck]", ""),
        ("timeout = true", "must be a positive number", ""),
        ("timeout = -1", "must be a positive number", ""),
        ("timeout = nan", "must be a positive number", ""),
        ("fail-on = 'never'", "must be one of error, warning, note", ""),
        ("template = 'x'", "[tool.statecheck.template] in", ""),
        ("template = { paht = '/' }", "unknown key in [tool.statecheck.template]", "did you mean `path`?"),
        ("template = { path = '/' }", "a request with {message} somewhere in it", ""),
        ("template = { path = '/{message}', opening = { given = 'id' } }", "unknown key in [tool.statecheck.temp", ""),
        (
            "template = { path = '/{message}', encoding = 'xml' }",
            "one of json, form, multipart, text, none",
            "",
        ),
        ("template = { path = '/{message}', steps = 'x' }", "`steps` of [tool.statecheck.template]", ""),
        ("template = { path = '/{message}', steps = [{ given = 'x' }] }", "template.steps.1]", "did you mean `gives`?"),
        ("endpoint = '/chat", "pyproject.toml:2` is not TOML", ""),
        ('endpoint = "\\u0000"', "`endpoint` of [tool.statecheck]", ""),
        ('volumes = ["\\u0000"]', "must be a list of strings", ""),
        ('env-file = "\\u0000"', "`env-file` of [tool.statecheck]", ""),
        ('env = { A = "\\u0000" }', "`env` of [tool.statecheck]", ""),
        (f"endpoint = {'[' * 5000}", "is nested too deeply", "take out the brackets"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, error: str, hint: str) -> None:
    with pytest.raises(StatecheckError) as caught:
        read(tmp_path, f"[tool.statecheck]\n{text}\n")

    assert error in caught.value.text
    assert hint in caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(StatecheckError, match="is not UTF-8"):
        config.load(None, tmp_path)


def test_the_command_line_wins_and_adds(tmp_path: Path) -> None:
    options = read(tmp_path, WHOLE).override(
        endpoint="/other", message_field=None, env=(("MODE", "dev"),), headers=(), timeout_scale=None, fail_on="note"
    )

    assert (options.endpoint, options.message_field, options.fail_on) == ("/other", "text", "note")
    assert (options.env, options.headers) == ((("MODE", "prod"), ("MODE", "dev")), (("Authorization", "Bearer x"),))
    assert dict(options.env) == {"MODE": "dev"}
    assert options.timeout_scale == 2.0


def test_a_target_elsewhere_is_asked_for_its_own(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "pyproject.toml").write_text(f"[tool.statecheck]\nendpoint = '/{folder.name}'\n")
        (folder / "app.py").touch()

    for spec, endpoint in (("app.py", "/here"), (None, "/here"), ("pkg.mod:app", "/here"), (str(there), "/there")):
        assert config.load(spec, here).endpoint == endpoint
    for spec in (str(there / "app.py"), f"{there / 'app.py'}:app", "../there/app.py:app"):
        assert config.load(spec, here).endpoint == "/there"


def test_the_file_may_lie_above_but_not_above_the_repository(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.statecheck]\nendpoint = '/above'\n")
    below = tmp_path / "src" / "pkg"
    below.mkdir(parents=True)
    assert config.load(None, below).endpoint == "/above"

    (tmp_path / "src/.git").mkdir()
    assert config.load(None, below).endpoint is None


def test_only_and_skip_leave_experiments_in_order() -> None:
    assert Options().selected() == REPORTED
    assert Options(only=("concurrent", "same-process")).selected() == ("same-process", "concurrent")
    assert Options(skip=REPORTED[1:]).selected() == ("same-process",)


def test_an_interpreter_is_a_place_or_a_command(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()

    assert read(tmp_path, "[tool.statecheck]\npython = '.venv'\n").python == str(tmp_path / ".venv")
    assert read(tmp_path, "[tool.statecheck]\npython = 'python3.12'\n").python == "python3.12"
    assert read(tmp_path, "[tool.statecheck]\nenv-file = ['a', 'b']\n").env_files == (tmp_path / "a", tmp_path / "b")
