"""Which lines of the user's code go by the text of a message, those that ran in a turn first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.evidence.lines import defined_at

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.model import Anchor


def find_text_lines(conversation: Conversation, turn: Sent, use: str) -> list[tuple[Anchor, str]]:
    """Return (line, the code's own words) of each: first those of the use that is asked for.

    Args:
        use: `key`, where a key is made of the text; `once`, where of equal texts one is taken.
    """
    ran = {frame.function for op in conversation.select(turn=turn.number) for frame in op.frames}
    found = sorted(
        conversation.select("text-key"), key=lambda op: (op.note != use, bool(op.method) and op.method not in ran)
    )
    return [(line, op.name) for op in found if (line := defined_at(op)) is not None]
