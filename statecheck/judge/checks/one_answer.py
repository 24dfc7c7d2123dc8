"""One answer: what the app asks a person is answered once, however many answers come at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.checks.unanswered import report_unanswered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName


def find_effective(conversation: Conversation, channel: Channel) -> Sequence[Sent]:
    """Return the turns whose answers to one question had an effect: a run was given them, or they show its outcome.

    That an answer is acknowledged is not enough: `already answered` is a friendly refusal.
    """
    taken = [turn for turn in conversation.turns if conversation.takes_answer(turn)]
    if taken:
        return taken
    asked = {turn.number: turn for turn in conversation.turns}
    answers = [turn for turn in conversation.turns if turn.answers in asked and turn.status == "ok"]
    return [turn for turn in answers if conversation.is_given(turn, asked[turn.answers], channel)]


def check(
    conversation: Conversation, channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation in which one question is answered several times at once.

    Returns:
        `duplicated` where several answers had an effect, `kept` where one had, `skipped` where none had, or `error`
        where the question was not asked or an answer hangs; and a sentence.
    """
    first, *answers = conversation.turns or (None,)
    if first is None or first.status != "ok":
        return report_unanswered(first)
    hanging = next((turn for turn in answers if turn.status == "info"), None)
    if hanging is not None or not answers:
        return "error", f"turn {hanging.number} got no answer: {hanging.note}" if hanging else "nothing was answered"
    effective = find_effective(conversation, channel or "answer")
    if len(effective) > 1:
        return "duplicated", f"{len(effective)} of {len(answers)} answers to what turn 1 asked were taken"
    if effective:
        return "kept", f"one of {len(answers)} answers to what turn 1 asked was taken"
    return "skipped", f"none of {len(answers)} answers at once was taken"
