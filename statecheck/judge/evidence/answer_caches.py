"""Whether what a turn asked a store for is an answer, to give in place of a model's: that is no conversation. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation

_DIGESTS = ("sha256", "md5", "sha1", "blake2b", "sha512", "blake2s", "sha3_256")
_LEAST = 8  # characters of a digest that a key is made of


def asks_for_answer(conversation: Conversation, op: Op) -> bool:
    """Whether the code looks for an answer there, and returns what it finds instead of asking a model.

    Bytes that a service was sent have no line: their key is then one that is made of the question.
    """
    shortcuts = list(conversation.select("shortcut"))
    if not shortcuts:
        return False
    if op.frames:
        lines = {(line.path, line.line) for each in shortcuts for line in each.lines if line.role == "read"}
        return any((frame.path, frame.line) in lines for frame in op.frames)
    return op.f == "wire" and any(part in op.text for part in _of_question(conversation, op.turn))


def _of_question(conversation: Conversation, turn: int) -> Iterator[str]:
    """Yield a turn's text as keys are made of it: the words themselves, and the first letters of their digests."""
    for said in {op.text for op in conversation.select("turn", turn) if op.type == "invoke"}:
        for text in {said, said.strip(), said.strip().lower(), said.lower()}:
            yield text
            yield from (hashlib.new(name, text.encode()).hexdigest()[:_LEAST] for name in _DIGESTS)
