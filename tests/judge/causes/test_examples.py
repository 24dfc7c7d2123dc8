"""Each cause finds its examples, and nothing in what only looks like them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.judge.causes import CAUSES
from statecheck.judge.examples import judge_example

if TYPE_CHECKING:
    from statecheck.judge.cause import Cause, Example

found = [pytest.param(cause, each, id=f"{cause.name}: {each.title}") for cause in CAUSES for each in cause.examples]
unfound = [
    pytest.param(cause, each, id=f"{cause.name}: {each.title}") for cause in CAUSES for each in cause.counterexamples
]


@pytest.mark.parametrize(("cause", "example"), found)
def test_it_is_found_in_its_examples(cause: Cause, example: Example) -> None:
    assert [one.kind for one in judge_example(example).causes if one.code == cause.code] == [example.kind]


@pytest.mark.parametrize(("cause", "example"), unfound)
def test_it_is_not_found_in_what_looks_like_it(cause: Cause, example: Example) -> None:
    assert example.kind is None
    assert [one.code for one in judge_example(example).causes if one.code == cause.code] == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_every_cause_has_both(cause: Cause) -> None:
    assert cause.examples
    assert cause.counterexamples
    assert {example.kind for example in cause.examples} <= {None, *cause.kinds}
