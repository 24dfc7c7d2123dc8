"""A turn's text as keys are made of it. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.judge.conversation.conversation import Conversation

_DIGESTS = ("sha256", "md5", "sha1", "blake2b", "sha512", "blake2s", "sha3_256")
_LEAST = 8  # characters of a digest that a key is made of


def list_texts(conversation: Conversation, turn: int) -> Iterator[str]:
    """Yield what was said in a turn, as it is and as keys are often made of it."""
    for said in {op.text for op in conversation.select("turn", turn) if op.type == "invoke"}:
        yield from {said, said.strip(), said.strip().lower(), said.lower()}


def list_digests(conversation: Conversation, turn: int) -> Iterator[str]:
    """Yield the first letters of the digests of what was said in a turn."""
    for text in list_texts(conversation, turn):
        yield from (hashlib.new(name, text.encode()).hexdigest()[:_LEAST] for name in _DIGESTS)
