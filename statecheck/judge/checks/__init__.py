"""Pure functions from a history to an outcome; one that fails says `error`, never that all is well.

A new one is a file here with its `check`, and a line in `_FILES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from statecheck import experiments
from statecheck.judge.conversation import Channel, Conversation
from statecheck.judge.conversation.turn_table import make_rows
from statecheck.model import Outcome, OutcomeName

Check = Callable[[Conversation, Channel | None, Conversation | None], tuple[OutcomeName, str]]

_FILES: Mapping[str, str] = {
    experiments.BASELINE: "read_your_writes",
    experiments.OTHER_WORKER: "read_your_writes",
    experiments.NEW_PROCESS: "read_your_writes",
    experiments.NEW_CONTAINER: "read_your_writes",
    experiments.OTHER_SESSION: "isolation",
    experiments.CONCURRENT: "lost_update",
    experiments.CONCURRENT_WORKERS: "lost_update",
    experiments.TWO_SESSIONS: "mixing",
    experiments.SAME_CONNECTION: "one_connection",
    experiments.APPROVAL: "one_answer",
    experiments.SECOND_THREAD: "sharing",
    experiments.OTHER_TENANT: "sharing",
    experiments.KEYLESS: "sharing",
    experiments.FLAG: "either_way",
    experiments.BACK_AGAIN: "eviction",
    experiments.ALIKE_KEYS: "sharing",
    experiments.OPENED_ELSEWHERE: "sharing",
    experiments.RESENT: "redelivery",
    experiments.SECOND_SERVER: "taking_up",
    experiments.SAME_TEXT: "same_text",
    experiments.LONG_TEXT: "whole_texts",
    experiments.LONG_TALK: "newest_turns",
    experiments.MODEL_FAILS: "failed_call",
}
CHECKS: Mapping[str, Check] = {name: import_module(f"{__name__}.{file}").check for name, file in _FILES.items()}
"""The check of each experiment that has an outcome: given its history, the baseline's channel and the control."""


_GAP = "not all that happened could be recorded (the app limits what a process may write, or does very much)"


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
    if conversation.experiment == experiments.BASELINE:
        control = None  # it is read against the baseline, which so cannot be excused by it
    try:
        name, reason = CHECKS[conversation.experiment](conversation, channel, control)
        gap = next(conversation.select("incomplete"), None)
        if gap is not None:
            name, reason = "error", gap.error or _GAP
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
