"""Models of pydantic 1 can be referred to weakly, and are otherwise what they were."""

from __future__ import annotations

import copy
import weakref
from typing import TYPE_CHECKING

from pydantic import v1 as pydantic

from statecheck.probe import references

if TYPE_CHECKING:
    import pytest


def test_models_can_be_referred_to_weakly(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = type(pydantic.BaseModel)
    monkeypatch.setattr(meta, "__new__", meta.__new__)  # put back by the end
    references.HOOKS["pydantic.v1.main"](pydantic.main)

    class Memory(pydantic.BaseModel):
        __slots__ = ("note",)
        key: str
        _store: dict[str, str] = pydantic.PrivateAttr(default_factory=dict)

    class Summary(pydantic.BaseModel):
        text: str = ""

    class Both(Memory, Summary):
        size: int = 3

    for cls in (Memory, Both):
        made = cls(key="a")
        made._store["a"] = "b"
        assert weakref.ref(made)() is made
        same = copy.deepcopy(made)
        assert (same, same._store) == (made, {"a": "b"})
    assert Both.parse_raw(Both(key="a").json()).dict() == {"text": "", "key": "a", "size": 3}
