"""Memory limits make what a turn is given a window onto the turns before it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.probe.notebooks import spell_line

if TYPE_CHECKING:
    from statecheck.judge.conversation.conversation import Conversation
    from statecheck.judge.conversation.sent import Channel, Sent

_FAILED = 500  # what servers answer when the app raises


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


def find_stuck(conversation: Conversation) -> Sent | None:
    """Return the first turn of a long talk from which on no turn was given the one before it, to the end.

    Only where what is given are messages of their own: which of them is retrieved is a matter of likeness.

    Args:
        conversation: turns of one session, one after the other.
    """
    first: Sent | None = None
    for before, turn in zip(conversation.turns, conversation.turns[1:], strict=False):
        if turn.status != "ok":
            return None
        calls = [op for op in conversation.select("model", turn.number) if turn.marker in op.markers]
        given = [op for op in calls if before.marker in op.markers]
        whole = [op for op in calls if op.roles.count("u") > 2 and op.roles.count("u") >= len(op.markers)]
        if given or not whole:
            first = None
        elif first is None:
            first = turn
    return first if first is not None and first is not conversation.turns[-1] else None


def find_refusing(conversation: Conversation) -> Sent | None:
    """Return the first turn of a long talk from which on all were refused because the app failed, at least two."""
    refused = [turn for turn in conversation.turns if turn.status == "fail" and turn.code == _FAILED]
    last = conversation.turns[-len(refused) :] if refused else ()
    return refused[0] if len(refused) > 1 and tuple(refused) == tuple(last) else None
