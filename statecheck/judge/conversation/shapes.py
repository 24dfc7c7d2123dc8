"""Who speaks in the messages that a model was given, and which of them it was given twice. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.history import Op

_CALL, _RESULT, _USER = "c", "t", "u"


def list_speakers(op: Op) -> str:
    """Return a letter for each message of the user's and each answer, in order; what the user says once counts once."""
    if not op.messages:
        return op.roles
    kept = [each for place, each in enumerate(op.messages) if each[0] != _USER or each not in op.messages[:place]]
    return "".join("a" if each[0] == _CALL else each[0] for each in kept if each[0] in "uac")


def find_repeated(messages: Sequence[str]) -> str | None:
    """Return the first message of the user's that stands there twice, or None."""
    said = [each for each in messages if each[0] == _USER]
    return next((each for place, each in enumerate(said) if each in said[:place]), None)


def find_orphan(messages: Sequence[str]) -> str | None:
    """Return what is missing beside a tool's call or result: `call` or `result`; None where each has the other.

    A call that stands last has no result yet.
    """
    before = ""
    for message in messages:
        speaker = message[0]
        if speaker == _RESULT and before not in (_CALL, _RESULT):
            return "call"
        if before == _CALL and speaker != _RESULT:
            return "result"
        before = speaker
    return None
