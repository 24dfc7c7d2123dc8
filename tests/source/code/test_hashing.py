"""Whether the user's code goes by `hash()`, whose answers a fork shares with its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.hashing import hashes
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def key(user):\n    return f'chat-{hash(user)}'\n", True),
        ("class Key:\n    def __hash__(self):\n        return hash(self.name)\n", False),
        ("import hashlib\nkey = hashlib.md5(b'x').hexdigest()\nrehash(key)\n", False),
        ("# hash(user)\n", False),
    ],
)
def test_only_own_calls_count(source: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(source)

    assert hashes(SourceTree(tmp_path, tmp_path)) is expected
