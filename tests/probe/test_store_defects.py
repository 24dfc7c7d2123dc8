"""What a library's store left is compared with what it was asked to leave, and its distribution is named."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.page_iterator import Page
from typer import Typer

from statecheck.history import Op, decode_lines
from statecheck.lab.workers.op_file import anonymous_file
from statecheck.probe.distributions import find_distribution
from statecheck.probe.recorder import RECORDER, TURN
from statecheck.probe.store_defects import watch_stores
from statecheck.probe.value_defects import watch_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STORES = """
class Base: ...

class Client:
    left = 60

    def ttl(self, key):
        return self.left

class Chat(Base):
    ttl = 60

    def __init__(self):
        self.client, self.said = Client(), []

    def get_messages(self, key):
        return list(self.said)

    def delete_message(self, key, place):
        self.client.left = -1
        return self.said.pop(place)

class Values(Base):
    def __init__(self):
        self.held = {}

    def get(self, key, collection="data"):
        return self.held.get(key)

    def put(self, key, val, collection="data"):
        self.held[key] = {**self.held.get(key, {}), **val}

class Replaced(Values):
    def put(self, key, val, collection="data"):
        self.held[key] = val
"""


@pytest.fixture
def ops() -> Iterator[Callable[[], list[tuple[str, str]]]]:
    fd = anonymous_file()
    RECORDER.open(fd, (str(Path(__file__).parent),))
    token = TURN.set(1)

    def defects() -> list[tuple[str, str]]:
        found: list[Op] = decode_lines(os.pread(fd, 1 << 20, 0))
        return [(op.name, op.method) for op in found if op.f == "defect"]

    yield defects
    TURN.reset(token)
    RECORDER.fd = -1
    os.close(fd)


@pytest.fixture
def stores() -> Any:
    made = ModuleType("a_library")
    exec(compile(STORES, "/site-packages/a_library.py", "exec"), made.__dict__)
    return made


def test_a_key_that_expires_no_more_is_a_defect(stores: Any, ops: Callable[[], list[tuple[str, str]]]) -> None:
    watch_stores(stores.Base)
    store = stores.Chat()
    store.said += ["first", "second"]

    store.delete_message("ada", 0)

    assert ops() == [("drops-ttl", "delete_message")]


def test_a_value_that_is_merged_is_a_defect(stores: Any, ops: Callable[[], list[tuple[str, str]]]) -> None:
    watch_values(stores.Base)
    for store in (stores.Replaced(), stores.Values()):
        store.put("ada", {"step": 1, "coupon": "TEN"})
        store.put("ada", {"step": 2, "coupon": "TEN", "name": "Ada"})
        assert ops() == [], "nothing is left out yet"
        store.put("ada", {"step": 3, "name": "Ada"})

    assert ops() == [("merges", "put")], "the one that replaces has none"


def test_a_class_is_named_by_its_own_distribution() -> None:
    assert find_distribution(Page).startswith("google-api-core 2.")  # a package below one that several share
    assert find_distribution(Typer).startswith("typer 0.")
    assert find_distribution(type("Own", (), {"__module__": __name__})) == ""
