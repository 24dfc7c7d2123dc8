"""Pure functions from a history to an outcome; one that fails says `error`, never that all is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from statecheck import experiments
from statecheck.judge.checks import isolation, lost_update, read_your_writes
from statecheck.judge.checks.progress import told
from statecheck.judge.checks.reading import Channel, Sent, given, remembered_by, turns
from statecheck.judge.checks.rows import rows
from statecheck.model import Outcome, OutcomeName

if TYPE_CHECKING:
    from statecheck.history import History

Check = Callable[["History", Channel | None, "History | None"], tuple[OutcomeName, str]]


def _read_alone(history: History, channel: Channel | None, _control: History | None) -> tuple[OutcomeName, str]:
    return read_your_writes.check(history, channel)


def _isolation(history: History, _channel: Channel | None, _control: History | None) -> tuple[OutcomeName, str]:
    return isolation.check(history)


def _lost_update(history: History, channel: Channel | None, control: History | None) -> tuple[OutcomeName, str]:
    return lost_update.check(history, channel or "model", control)


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


def baseline_channel(history: History) -> Channel | None:
    """Where the baseline shows that turn 2 remembers turn 1, or None if it does not."""
    sent = turns(history)
    if len(sent) < 2 or sent[0].status != "ok" or sent[1].status != "ok":
        return None
    return remembered_by(history, sent[1], sent[0].marker)


def outcome(history: History, channel: Channel | None, control: History | None = None) -> Outcome:
    """Judge one experiment's history.

    Args:
        channel: of the baseline; None while the baseline itself is judged.
        control: as many turns as an overlap has, of one session and in one process, sent one after the other.
    """
    escaped = next(history.select("escaped"), None)
    try:
        name, reason = CHECKS[history.experiment](history, channel, control)
        if next(history.select("incomplete"), None) is not None:
            name, reason = "error", "not all that happened could be recorded (the app limits what a process may write)"
        if escaped is not None:
            name, reason = (
                "error",
                f"it wrote to `{escaped.where}`, outside the copy of the project that stands for a disk",
            )
    except Exception as error:  # noqa: BLE001 - a check that breaks must not read as "kept"
        name, reason = "error", f"the check failed: {type(error).__name__}: {error}"
    sent = turns(history)
    return Outcome(
        history.experiment,
        name,
        pids=tuple(dict.fromkeys(turn.pid for turn in sent if turn.pid)),
        session_keys=tuple(dict.fromkeys(turn.key for turn in sent if turn.key is not None)),
        reason=reason,
        turns=rows(history, channel),
    )


def outcomes(histories: Mapping[str, History]) -> tuple[Channel | None, dict[str, Outcome]]:
    """Judge all histories of a run, as `told` returns them, against its baseline."""
    channel = baseline_channel(histories[experiments.BASELINE]) if experiments.BASELINE in histories else None
    control = histories.get(experiments.CONTROL)
    judged = {name: history for name, history in histories.items() if name not in experiments.ASIDE}
    return channel, {name: outcome(history, channel, control) for name, history in judged.items()}


__all__ = [
    "CHECKS",
    "Sent",
    "baseline_channel",
    "given",
    "outcome",
    "outcomes",
    "told",
]
