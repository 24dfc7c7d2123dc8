"""From histories to findings and a verdict: asks each cause its question, in order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONCURRENT_WORKERS
from statecheck.judge.causes import (
    async_race,
    broken_store,
    container_restart,
    multi_worker,
    request_scoped,
    session_key,
    unsaved_ctx,
)
from statecheck.judge.evidence.case import Case

if TYPE_CHECKING:
    from statecheck.model import Finding, Outcome, Problem, Verdict

Ask = Callable[[Case], "Finding | None"]

# A lost turn has one answer to "where is turn 1's marker?": these are asked first and mask what cannot be seen yet.
_MASKING: tuple[Ask, ...] = (
    broken_store.ask,
    container_restart.recycled,
    session_key.under_another_key,
    unsaved_ctx.ask,
    request_scoped.ask,
)
_OTHERS: tuple[Ask, ...] = (
    request_scoped.unset,
    request_scoped.stream_cut,
    broken_store.cold_start,
    broken_store.several_threads,
    session_key.leaked,
    session_key.in_each_process,
    multi_worker.ask,
    container_restart.ask,
    container_restart.paused,
    async_race.ask,
)
_HIDDEN: dict[Ask, tuple[Ask, ...]] = {
    request_scoped.unset: (multi_worker.ask, container_restart.ask, async_race.ask),
    session_key.in_each_process: (multi_worker.ask, container_restart.ask),
}
"""What cannot be told where another was found: later turns are never saved, or each process has a key of its own."""


def judge(case: Case) -> tuple[Finding, ...]:
    """The findings of a run, the primary one first."""
    if case.lost(BASELINE) or not case.kept(BASELINE):
        masking = next((found for found in (ask(case) for ask in _MASKING) if found is not None), None)
        beside = session_key.leaked(case) if masking is None or masking.code != "SC107" else None
        waiting = container_restart.paused(case) if masking is None else None
        found = [finding for finding in (masking, beside, waiting) if finding is not None]
    else:
        hiding = {ask: ask(case) for ask in _HIDDEN}
        hidden = [other for ask, one in hiding.items() if one is not None for other in _HIDDEN[ask]]
        asked = (hiding[ask] if ask in hiding else ask(case) for ask in _OTHERS if ask not in hidden)
        found = [finding for finding in asked if finding is not None]
    ranked = sorted(found, key=_rank)
    if not ranked or ranked[0].severity != "error":
        return tuple(ranked)
    return (replace(ranked[0], primary=True), *ranked[1:])


def _rank(finding: Finding) -> tuple[bool, int]:
    """What to mend first: masking causes, a wrong key, the user's own race, then where state lives."""
    order = ["SC107", "SC104", "SC101", "SC106", "SC105", "SC102", "SC103"]
    place = order.index(finding.code)
    only_between_workers = [evidence.experiment for evidence in finding.evidence] == [CONCURRENT_WORKERS]
    if finding.code == "SC105" and (finding.kind != "user-code" or only_between_workers):
        place = len(order)
    return finding.severity != "error", place


def verdict(
    findings: Sequence[Finding], outcomes: Sequence[Outcome], errors: Sequence[Problem], *, stateless: bool
) -> Verdict:
    """`state-loss` if and only if a finding is an error; nothing is healthy that could not be looked at."""
    if any(finding.severity == "error" for finding in findings):
        return "state-loss"
    if errors or any(outcome.outcome == "error" for outcome in outcomes):
        return "inconclusive"
    if stateless:
        return "stateless"
    if not outcomes:
        return "inconclusive"
    # a loss for which no cause was found must not pass for health
    lost = any(outcome.outcome in ("lost", "leaked") for outcome in outcomes)
    return "inconclusive" if lost else "healthy"
