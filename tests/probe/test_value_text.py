"""A value's content as text: the same for the same content, another for another."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from statecheck.probe.value_text import content


class Form(BaseModel):
    step: int
    answers: list[str] = []


@dataclass
class Order:
    approved: bool


class Status(Enum):
    OPEN = "open"


atoms = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=3)
values = st.recursive(
    atoms | st.builds(Form, step=st.integers(0, 3)) | st.builds(Order, st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_a_copy_has_the_same_content(value: Any) -> None:
    assert content(copy.deepcopy(value)) == content(value)


@given(values, values)
def test_another_content_has_another_text(one: Any, other: Any) -> None:
    assert (content(one) == content(other)) == (repr(one) == repr(other))  # 1 and True are equal


def test_the_order_of_a_mapping_and_of_a_set_is_no_content() -> None:
    assert content({"a": 1, "b": 2}) == content({"b": 2, "a": 1})
    assert content({"x", "yy", "zzz"}) == content({"zzz", "x", "yy"})


def test_what_json_does_to_a_value_leaves_its_content() -> None:
    given = {1: (Order(approved=True), Status.OPEN, "x")}

    assert content(given) == content({"1": [Order(approved=True), "open", "x"]})
    assert content(Form(step=0)) == content(Form(step=0, answers=[]))  # which fields were given is no content


def test_an_object_has_no_address() -> None:
    assert content([object(), Order(approved=True)]) == "[object(), Order(approved=True)]"


def test_a_value_that_holds_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append(loop)

    assert content(loop) == "[1, …]"


def test_what_is_too_large_says_nothing() -> None:
    assert content([[n] * 20 for n in range(300)]) == ""


def test_a_long_content_is_cut_and_still_told_apart() -> None:
    one, other = content(["word"] * 100), content(["word"] * 99 + ["more"])

    assert one != other
    assert max(len(one), len(other)) < 300
