"""Whether what a turn asked a store for is an answer, to give in place of a model's: that is no conversation. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.conversation.text_keys import list_digests, list_texts

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation


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
    made = (*list_texts(conversation, op.turn), *list_digests(conversation, op.turn))
    return op.f == "wire" and any(part in op.text for part in made)
