"""Pinecone's client can be asked for an index without a network; what it is asked wrongly still fails."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from statecheck.probe import substitutes


class Client:
    """As Pinecone's: an index is looked for at its service, unless its host is given."""

    def Index(self, name: str = "", host: str = "") -> str:  # noqa: N802 - the library's name
        if not host:
            raise ConnectionError
        return f"{name} at {host}"

    def list_indexes(self) -> Any:
        raise ConnectionError

    def describe_index(self, name: str) -> Any:
        raise ConnectionError

    def create_index(self, name: str, dimension: int) -> Any:
        raise ValueError(name, dimension)


def test_a_client_of_pinecone_gives_an_index() -> None:
    module = ModuleType("pinecone.pinecone")
    module.Pinecone = Client  # type: ignore[attr-defined]
    substitutes.HOOKS[module.__name__](module)
    client = Client()

    assert client.Index("notes").startswith("notes at ")
    assert client.Index("notes", host="here") == "notes at here"
    assert "notes" not in client.list_indexes().names()
    assert client.describe_index("notes").status["ready"]
    with pytest.raises(ValueError, match="notes"):
        client.create_index("notes", dimension=3)
