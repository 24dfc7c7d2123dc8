"""Turns that were not acknowledged, and what a check says of them where it cannot judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statecheck.judge.conversation import Sent
    from statecheck.model import OutcomeName


def find_unanswered(turns: Iterable[Sent]) -> Sent | None:
    """Return the first of the turns that was not acknowledged, or None."""
    return next((turn for turn in turns if turn.status != "ok"), None)


def report_unanswered(turn: Sent | None) -> tuple[OutcomeName, str]:
    """Return the outcome of a check for which a turn had to be acknowledged; None: it was not even sent."""
    return "error", f"turn {turn.number} was not acknowledged: {turn.note}" if turn else "nothing was sent"


def describe_refused(turn: Sent) -> str:
    """Return what is said of a turn that the app refused."""
    return f"turn {turn.number} was refused: {turn.note}"


def judge_unanswered(turns: Sequence[Sent], fewest: int) -> tuple[OutcomeName, str] | None:
    """Return why turns that are sent in another way than usual cannot be judged; None where they can.

    Returns:
        `skipped` where the app refuses them, `error` where one had no answer or there are fewer; and a sentence.
    """
    turn = find_unanswered(turns)
    if turn is not None:
        return ("skipped", describe_refused(turn)) if turn.status == "fail" else report_unanswered(turn)
    return ("error", "too few turns were sent") if len(turns) < fewest else None
