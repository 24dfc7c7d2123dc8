"""The recipes of LlamaIndex's documentation have the diagnosis that is right with the versions that are installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pydantic
import pytest
from documented.expected import EXPECTED, RECIPES, VERSIONS, say
from labs import Ran, User, diagnosed, diagnosed_in_turn

from statecheck.report.json import render
from statecheck.report.text import View

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = ".".join(pydantic.VERSION.split(".")[:2])
QUICK = ("simple_chat_store_persist",)
SERVED = ("redis_chat_store", "memory_postgres")


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.acceptance) for name in sorted(EXPECTED)],
)
def test_a_recipe_has_what_it_has(name: str, tmp_path: Path) -> None:
    if INSTALLED not in VERSIONS:
        pytest.skip(f"nothing is known of pydantic {INSTALLED}")
    user = User(tmp_path)
    user.write(**{name: (RECIPES / f"{name}.py").read_text("utf-8")})
    ran: Ran = diagnosed(user, f"{name}.py", "namespace") if name in SERVED else diagnosed_in_turn(user, f"{name}.py")

    assert say(json.loads(render(ran.diagnosis, View()))) == EXPECTED[name][VERSIONS.index(INSTALLED)]


def test_every_recipe_is_expected_to_have_something() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in RECIPES.glob("*.py"))
