"""What code is written for in place of JSON: the request's own class on the way in, text on the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

from statecheck.probe.adapters.shapes import shape_arguments, spell_answer


class User(BaseModel):
    id: str


class Asked(BaseModel):
    user: User
    text: str


@dataclass
class Whole:
    asked: Asked
    times: int = 1


class Listed(TypedDict):
    text: str


class Spoken(BaseModel):
    text: str

    def __str__(self) -> str:
        return self.text


ASKED = {"user": {"id": "sc-1"}, "text": "hello"}


def pydantic(asked: Asked | None) -> Any:
    return asked


def nested(*, whole: Whole) -> Any:
    return whole


def typed(listed: Listed) -> Any:
    return listed


def untyped(payload: Any) -> Any:
    return payload


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "made"),
    [
        (pydantic, [ASKED], {}, Asked(user=User(id="sc-1"), text="hello")),
        (nested, [], {"whole": {"asked": ASKED}}, Whole(Asked(user=User(id="sc-1"), text="hello"))),
        (typed, [{"text": "hello"}], {}, {"text": "hello"}),
        (untyped, [ASKED], {}, ASKED),
        (untyped, ["hello"], {}, "hello"),
    ],
)
def test_a_mapping_becomes_what_the_annotation_names(function: Any, args: Any, kwargs: Any, made: Any) -> None:
    args, kwargs = shape_arguments(function, args, kwargs)

    assert function(*args, **kwargs) == made


def test_a_mapping_of_which_nobody_says_what_it_is_can_be_read_as_an_object() -> None:
    def reply(request):  # type: ignore[no-untyped-def] # it is the target's that has no annotation
        return request.user.id, request["text"], hasattr(request, "other")

    args, _ = shape_arguments(reply, [ASKED], {})

    assert reply(*args) == ("sc-1", "hello", False)  # type: ignore[no-untyped-call] # as above


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, ""),
        (b"bytes", "bytes"),
        ({"id": 1, "said": Spoken(text="x")}, '{"id": 1, "said": "x"}'),
        (Whole(Asked(user=User(id="u"), text="t")), '{"asked": {"user": {"id": "u"}, "text": "t"}, "times": 1}'),
        (Asked(user=User(id="u"), text="t"), '{"user": {"id": "u"}, "text": "t"}'),
        (Spoken(text="its own text"), "its own text"),
    ],
)
def test_an_answer_is_text_or_json(answer: Any, text: str) -> None:
    assert spell_answer(answer) == text
