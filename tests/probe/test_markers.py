"""Finding markers in any value."""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from histories import marker
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, PrivateAttr

from statecheck.probe.markers import find, read_markers, text

if TYPE_CHECKING:
    from collections.abc import Callable

ONE, TWO, THREE = marker(1), marker(2), marker(3)


class Role(str, Enum):
    USER = "user"
    ASSISTANT = "assistant"


class Message(BaseModel):
    role: Role = Role.USER
    content: str = ""


class Memory(BaseModel):
    model_config = ConfigDict(extra="allow")
    messages: list[Message] = []
    _summary: str = PrivateAttr(default="")


@dataclass
class Turn:
    words: str
    before: Turn | None = None


class Hostile:
    """Objects of users are looked at, never asked."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"asked for {name}")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")

    def __bool__(self) -> bool:
        raise RuntimeError("asked for its truth")

    def __len__(self) -> int:
        raise RuntimeError("measured")

    def __iter__(self) -> Any:
        raise RuntimeError("walked")

    def __repr__(self) -> str:
        raise RuntimeError("shown")


class HostileMetaclass(type):
    def __getattr__(cls, name: str) -> Any:
        raise RuntimeError(f"class asked for {name}")


class HostileByClass(metaclass=HostileMetaclass):
    def __init__(self, words: str) -> None:
        self.words = words


class Unbound(Hostile):
    """A proxy outside of its request, as werkzeug's and Django's are."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("working outside of request context")


class LyingDict(dict[str, str]):
    def items(self) -> Any:
        raise RuntimeError("asked for items")

    def get(self, key: str, default: Any = None) -> Any:
        raise RuntimeError("asked for a key")


class Slotted:
    __slots__ = ("words",)

    def __init__(self, words: str) -> None:
        self.words = words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"a {TWO}{ONE}, {TWO} b", [TWO, ONE]),
        (f"x{ONE}".encode(), [ONE]),
        (bytearray(TWO.encode()), [TWO]),
        ([TWO, [ONE, {"k": THREE}]], [TWO, ONE, THREE]),
        ({THREE: ONE, "b": (TWO,)}, [THREE, ONE, TWO]),
        (OrderedDict(a=TWO, b=ONE), [TWO, ONE]),
        ({ONE}, [ONE]),
        (deque([TWO, ONE]), [TWO, ONE]),
        (Turn(ONE, Turn(TWO)), [ONE, TWO]),
        (Memory(messages=[Message(content=TWO), Message(content=ONE)]), [TWO, ONE]),
        (((), {"message": Message(content=ONE)}), [ONE]),
        ("sc-m0000000", []),
        ("SC-N00000001", []),
        (None, []),
        (3.5, []),
        (Turn, []),
        (object(), []),
        (Slotted(ONE), [ONE]),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else f"{len(value)}",
)
def test_in_the_order_in_which_they_stand_without_repeats(value: object, expected: list[str]) -> None:
    assert expected == find(value)


@pytest.mark.parametrize(
    "spell",
    [str.upper, str.title, lambda said: said.replace("-", " "), lambda said: said.replace("-", "_"), str.encode],
    ids=["capitals", "title", "no punctuation", "an identifier", "bytes"],
)
def test_a_text_that_an_app_writes_in_its_own_way_is_read_as_it_was_sent(spell: Callable[[str], str | bytes]) -> None:
    said = spell(f"my words are {ONE} and {TWO}, {ONE}")
    assert read_markers(said) == find({"said": [said]}) == [ONE, TWO]


def test_private_and_extra_fields_of_pydantic_models() -> None:
    memory = Memory(topic=ONE)  # type: ignore[call-arg]
    memory._summary = TWO

    assert {ONE, TWO} == set(find(memory))


@pytest.mark.parametrize(
    "said",
    [
        Message(role=Role.ASSISTANT, content=ONE),
        {"role": "assistant", "content": ONE},
        [{"role": "assistant", "content": [{"type": "text", "text": ONE}]}],
        Memory(messages=[Message(role=Role.ASSISTANT, content=ONE)]),
    ],
)
def test_what_an_assistant_said_is_no_proof(said: object) -> None:
    assert find(said) == []
    assert find([said, Message(content=TWO)]) == [TWO]


def test_a_role_that_is_no_speaker_is_looked_into() -> None:
    assert find({"role": ["admin"], "name": ONE}) == [ONE]


def test_cycles_end() -> None:
    one: list[Any] = [ONE]
    one.append(one)
    turn = Turn(TWO)
    turn.before = turn

    assert find([one, turn]) == [ONE, TWO]


def test_deep_nesting_is_no_recursion() -> None:
    deep: list[Any] = [ONE]
    for _ in range(3000):
        deep = [deep]

    assert sys.getrecursionlimit() < 3000
    assert find(deep) == [ONE]


def test_of_a_long_conversation_the_end_is_read() -> None:
    messages = [Message(content=f"number {number}") for number in range(20_000)]
    messages[-1].content = ONE

    assert find(messages) == [ONE]
    assert find({"conversation": [f"number {number}" for number in range(20_000)] + [TWO]}) == [TWO]


@pytest.mark.parametrize("cls", [Hostile, HostileByClass, Unbound], ids=["instance", "metaclass", "proxy"])
def test_code_of_the_app_is_not_run(cls: Callable[[str], Any]) -> None:
    found = [find(cls(ONE)), find([cls(ONE)]), find({"k": cls(ONE)})]

    assert found == [[ONE]] * 3


def test_a_dict_that_lies_is_read_as_the_dict_it_is() -> None:
    assert find(LyingDict(a=ONE)) == [ONE]


@given(
    st.recursive(
        st.text() | st.binary() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_can_be_searched_and_shown(value: object) -> None:
    assert find(value) == []
    assert len(text(value)) <= 2000


@given(st.lists(st.integers(0, 2**32 - 1).map(marker), max_size=20), st.data())
def test_all_are_found_wherever_they_are(markers: list[str], data: st.DataObject) -> None:
    wraps = [
        lambda m: m,
        lambda m: [m],
        lambda m: {"k": m},
        Turn,
        lambda m: Message(content=m),
        str.encode,
    ]
    value = [data.draw(st.sampled_from(wraps))(one) for one in markers]

    assert list(dict.fromkeys(markers)) == find(value)


def test_code_is_no_value() -> None:
    """A memory holds its tokenizer, and a function's globals lead to what every other conversation said."""
    assert ONE in globals().values()
    assert find([lambda: ONE, functools.partial(test_code_is_no_value), Memory().model_dump]) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Message(content="hello"), "hello"),
        ([Message(content="a"), "b"], "a | b"),
        ({"a": 1}, "{'a': 1}"),
        (None, "None"),
        ("x" * 5000, "x" * 2000),
        (Turn("a"), "Turn"),
    ],
)
def test_the_text_for_people(value: object, expected: str) -> None:
    assert expected == text(value)


@pytest.mark.parametrize("cls", [Hostile, HostileByClass, Unbound], ids=["instance", "metaclass", "proxy"])
def test_nor_for_the_text(cls: Callable[[str], Any]) -> None:
    shown = text(cls(ONE))

    assert isinstance(shown, str)
