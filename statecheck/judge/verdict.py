"""From findings, outcomes and problems to one verdict. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.model import Finding, Outcome, Problem, Verdict


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
