"""Which lines of the user's code go by the text of a message, those that ran in a turn first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.model import Anchor

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent


def find_text_lines(conversation: Conversation, turn: Sent, use: str) -> list[tuple[Anchor, str]]:
    """Return (line, the code's own words) of each: first those of the use that is asked for.

    Args:
        use: `key`, where a key is made of the text; `once`, where of equal texts one is taken.
    """
    ran = {frame.function for op in conversation.select(turn=turn.number) for frame in op.frames}
    found = [op for op in conversation.select("text-key") if op.lines]
    found.sort(key=lambda op: (op.note != use, bool(op.method) and op.method not in ran))
    return [(Anchor(op.lines[0].path, op.lines[0].line), op.name) for op in found]
