"""The template written to pyproject.toml: it reads as the plan that it was made of, and leaves the rest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.errors import StatecheckError
from statecheck.options import config
from statecheck.options.template_text import spell_template, write_template
from statecheck.talk.plan import Plan, Preliminary, a_call

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan(
    path="/api/{session}/say",
    query=(("lang", "de"),),
    headers=(("Authorization", "Bearer {token}"),),
    body={"it's": ['say "{message}"\n', 1, True, {}], "é": {"x.y": 0.5, "none": None}},
    given="room.id",
    opening=Plan(path="/api/rooms", body={}),
    before=(
        Preliminary(Plan(path="/register", encoding="form", body={"name": "{user}"}), optional=True),
        Preliminary(Plan(path="/login", body={"password": "{password}"}), (("token", "access_token"),)),
    ),
)
FILE = """\
# ours
[tool.ruff]   # odd   layout
line-length = 100"""


def test_what_is_written_reads_as_the_plan_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(FILE)
    difference = write_template(PLAN, file)

    assert file.read_text().startswith(f"{FILE}\n\n[tool.statecheck.template]\n")
    assert "+[tool.statecheck.template]\n" in difference
    assert not [line for line in difference.splitlines()[3:] if line.startswith("-# ours")]
    read = config.read(file).template
    assert read is not None
    assert read.opening is not None
    assert (read.path, read.query, read.headers, read.given) == (PLAN.path, PLAN.query, PLAN.headers, PLAN.given)
    assert read.body == {"it's": ['say "{message}"\n', 1, True, {}], "é": {"x.y": 0.5}}
    assert (read.opening.path, read.opening.body) == ("/api/rooms", {})
    assert [(each.request.path, each.request.body, each.gives, each.optional) for each in read.before] == [
        (each.request.path, each.request.body, each.gives, each.optional) for each in PLAN.before
    ]


def test_a_file_is_made_and_a_template_that_is_there_is_not_doubled(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    write_template(PLAN, file)
    assert file.read_text() == spell_template(PLAN)

    with pytest.raises(StatecheckError) as told:
        write_template(PLAN, file)
    assert told.value.slug == "template-there"
    assert file.read_text() == spell_template(PLAN)


def test_a_table_that_takes_no_other_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("tool = {statecheck = {timeout = 5}}\r\n")

    with pytest.raises(StatecheckError) as told:
        write_template(PLAN, file)
    assert told.value.slug == "template-there"
    assert file.read_bytes() == b"tool = {statecheck = {timeout = 5}}\r\n"


def test_a_call_has_no_template(tmp_path: Path) -> None:
    with pytest.raises(StatecheckError) as told:
        write_template(a_call(args=("{message}",)), tmp_path / "pyproject.toml")
    assert told.value.slug == "no-template"
    assert not (tmp_path / "pyproject.toml").exists()
