"""Memory limits make what a turn is given a window onto the turns before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.probe.notebooks import spell_line

if TYPE_CHECKING:
    from statecheck.judge.conversation.conversation import Conversation
    from statecheck.judge.conversation.sent import Channel


def is_suffix(conversation: Conversation, channel: Channel) -> bool:
    """Whether what the last turn was given is the newest turns, without a gap: only that is a window onto them."""
    *earlier, reader = conversation.turns
    seen = [conversation.is_given(reader, turn, channel) for turn in earlier if turn.status == "ok"]
    return True not in seen or seen == sorted(seen)


def name_limit(conversation: Conversation) -> str:
    """Say which limit of the user's code may make what the last turn was given a window, with its line, in words.

    One in a function that ran in that turn comes first, then one that stands in no function.
    """
    reader = conversation.turns[-1]
    ran = {frame.function for op in conversation.select(turn=reader.number) for frame in op.frames}
    limits = sorted(conversation.select("window"), key=lambda op: (op.method not in ran, bool(op.method)))
    for limit in limits:
        for line in limit.lines:
            return f"`{limit.name}`, {spell_line(line.path, line.line)}"
    return "no limit was found in the code that says so"
