"""Memory limits make what a turn is given a window onto the turns before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.judge.conversation.conversation import Conversation
    from statecheck.judge.conversation.sent import Channel


def is_suffix(conversation: Conversation, channel: Channel) -> bool:
    """Whether what the last turn was given is the newest turns, without a gap: only that is a window onto them."""
    *earlier, reader = conversation.turns
    seen = [conversation.is_given(reader, turn, channel) for turn in earlier if turn.status == "ok"]
    return True not in seen or seen == sorted(seen)
