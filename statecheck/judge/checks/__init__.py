"""Pure functions from a history to an outcome; one that fails says `error`, never that all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from statecheck import experiments
from statecheck.judge.checks import isolation, lost_update, read_your_writes
from statecheck.judge.conversation import Channel, Conversation
from statecheck.judge.conversation.turn_table import make_rows
from statecheck.model import Outcome, OutcomeName

Check = Callable[[Conversation, Channel | None, Conversation | None], tuple[OutcomeName, str]]


def _read_alone(
    conversation: Conversation, channel: Channel | None, _control: Conversation | None
) -> tuple[OutcomeName, str]:
    return read_your_writes.check(conversation, channel)


def _isolation(
    conversation: Conversation, _channel: Channel | None, _control: Conversation | None
) -> tuple[OutcomeName, str]:
    return isolation.check(conversation)


def _lost_update(
    conversation: Conversation, channel: Channel | None, control: Conversation | None
) -> tuple[OutcomeName, str]:
    return lost_update.check(conversation, channel or "model", control)


CHECKS: Mapping[str, Check] = {
    experiments.BASELINE: _read_alone,
    experiments.OTHER_WORKER: read_your_writes.check,
    experiments.NEW_PROCESS: read_your_writes.check,
    experiments.NEW_CONTAINER: read_your_writes.check,
    experiments.OTHER_SESSION: _isolation,
    experiments.CONCURRENT: _lost_update,
    experiments.CONCURRENT_WORKERS: _lost_update,
}
"""The check of each experiment that has an outcome: given its history, the baseline's channel and the control."""


def baseline_channel(conversation: Conversation) -> Channel | None:
    """Where the baseline shows that turn 2 remembers turn 1, or None if it does not."""
    sent = conversation.turns
    if len(sent) < 2 or sent[0].status != "ok" or sent[1].status != "ok":
        return None
    return conversation.remembered_by(sent[1], sent[0])


def outcome(conversation: Conversation, channel: Channel | None, control: Conversation | None = None) -> Outcome:
    """Judge one experiment.

    Args:
        channel: of the baseline; None while the baseline itself is judged.
        control: as many turns as an overlap has, of one session and in one process, sent one after the other.
    """
    escaped = next(conversation.select("escaped"), None)
    try:
        name, reason = CHECKS[conversation.experiment](conversation, channel, control)
        if next(conversation.select("incomplete"), None) is not None:
            name, reason = "error", "not all that happened could be recorded (the app limits what a process may write)"
        if escaped is not None:
            name, reason = (
                "error",
                f"it wrote to `{escaped.where}`, outside the copy of the project that stands for a disk",
            )
    except Exception as error:  # noqa: BLE001 - a check that breaks must not read as "kept"
        name, reason = "error", f"the check failed: {type(error).__name__}: {error}"
    sent = conversation.turns
    return Outcome(
        conversation.experiment,
        name,
        pids=tuple(dict.fromkeys(turn.pid for turn in sent if turn.pid)),
        session_keys=tuple(dict.fromkeys(turn.key for turn in sent if turn.key is not None)),
        reason=reason,
        turns=make_rows(conversation, channel),
    )


def outcomes(conversations: Mapping[str, Conversation]) -> tuple[Channel | None, dict[str, Outcome]]:
    """Judge all conversations of a run against its baseline."""
    channel = baseline_channel(conversations[experiments.BASELINE]) if experiments.BASELINE in conversations else None
    control = conversations.get(experiments.CONTROL)
    judged = {name: each for name, each in conversations.items() if name not in experiments.ASIDE}
    return channel, {name: outcome(each, channel, control) for name, each in judged.items()}


__all__ = [
    "CHECKS",
    "baseline_channel",
    "outcome",
    "outcomes",
]
