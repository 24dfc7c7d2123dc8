"""One connection: a second message on it is given the first, though a new connection is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks import read_your_writes

if TYPE_CHECKING:
    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.model import OutcomeName


def check(
    conversation: Conversation, channel: Channel | None = None, control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge messages that followed each other on one connection.

    Returns:
        `kept`, `skipped` where a connection holds no conversation either, or `error`; and a sentence.
    """
    name, reason = read_your_writes.check(conversation, channel, control)
    return ("skipped", f"on one connection {reason} either") if name == "lost" else (name, reason)
