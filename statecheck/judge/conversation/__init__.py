"""A history as a conversation, made ready for questions once: its turns, and what each wrote and was given. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, SESSIONS
from statecheck.judge.conversation.answer_scale import Scale, split_words
from statecheck.judge.conversation.conversation import Conversation
from statecheck.judge.conversation.sent import Channel, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.history import History
    from statecheck.judge.conversation.answer_scale import Tokens

_FEWEST = 2  # first answers that must have been seen to say what varies by itself

__all__ = ["Channel", "Conversation", "Sent", "read_conversations"]


def read_conversations(histories: Mapping[str, History]) -> dict[str, Conversation]:
    """The conversations of a run by the names of its experiments; all answers of the run are one scale for each."""
    read = {name: Conversation(history) for name, history in histories.items()}
    scale = _read_scale(read)
    if scale is None:
        return read
    return {name: Conversation(history, scale) for name, history in histories.items()}


def _read_scale(conversations: Mapping[str, Conversation]) -> Scale | None:
    """The scale that the answers of a run are; None where they show nothing."""
    baseline = conversations.get(CONTROL) or conversations.get(BASELINE)
    if baseline is None or len(baseline.turns) < 2:
        return None
    if any(turn.status != "ok" or baseline.calls_model(turn.number) for turn in baseline.turns):
        return None
    steps = [split_words(turn.answer, turn.key) for turn in baseline.turns]
    firsts = [first for conversation in conversations.values() for first in _firsts(conversation)]
    if len(firsts) < _FEWEST or len({len(first) for first in firsts}) != 1:
        return None
    compared = frozenset(at for at, column in enumerate(zip(*firsts, strict=True)) if len(set(column)) == 1)
    scale = Scale(steps, compared)
    return scale if 2 not in scale.reached(steps[0]) else None


def _firsts(conversation: Conversation) -> Iterator[Tokens]:
    """Answers to the first turns of sessions: of throw-away ones, and of those of an experiment."""
    yield from (split_words(op.text, op.key) for op in conversation.select("warm-up") if op.type == "ok")
    sessions = SESSIONS.get(conversation.experiment, (1,))
    numbered = zip(conversation.turns, sessions, strict=False)
    firsts = [turn for at, (turn, session) in enumerate(numbered) if session not in sessions[:at]]
    yield from (split_words(turn.answer, turn.key) for turn in firsts if turn.status == "ok")
