"""A run that waits for a person, where turns ask something and others answer it: what is said of one that is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.probe.frameworks import by_name

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case

_KEEP_RUN = (
    "save the run that waits in a store that outlives the process (`handler.ctx.to_dict()` under its id), and go on "
    "from `Context.from_dict()` where its answer comes"
)


def is_answered(conversation: Conversation) -> bool:
    """Whether a turn of it answers what another asked a person."""
    return any(turn.answers for turn in conversation.turns)


def name_first(conversation: Conversation) -> str:
    """Return what is lost with turn 1, in words: the turn, or the run that waits since then."""
    return "the run that waits for a person since turn 1" if is_answered(conversation) else "turn 1"


def advise_keeping(case: Case, conversation: Conversation) -> str:
    """Return what helps a run that waits; "" where none does."""
    return (by_name(case.app.target.framework).keeps_runs or _KEEP_RUN) if is_answered(conversation) else ""
