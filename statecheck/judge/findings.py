"""From a recorded run to its findings: a loop over the questions of the causes. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.causes import CAUSES, Cause
from statecheck.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.judge.cause import Observation, Topic
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor


def find_causes(case: Case, causes: Iterable[Cause] = CAUSES) -> tuple[Finding, ...]:
    """Return the findings of a run: errors before warnings, and first what is to be fixed first.

    Args:
        causes: whose questions are asked.
    """
    baseline = "kept" if case.kept(BASELINE) else "not-kept"
    numbered = [(cause, place, question) for cause in causes for place, question in enumerate(cause.questions)]
    masked: set[Topic] = set()
    found: list[tuple[Finding, Cause, int]] = []
    for cause, place, question in sorted(numbered, key=lambda each: each[2].order):
        if question.baseline not in (baseline, "any") or question.about in masked:
            continue
        observed = question.ask(case)
        if observed is not None:
            masked.update(question.masks)
            found.append((_make_finding(cause, observed, case.handler), cause, place))
    ranked = [finding for finding, _, _ in sorted(found, key=lambda each: _rank(*each))]
    if not ranked or ranked[0].severity != "error":
        return tuple(ranked)
    return (replace(ranked[0], primary=True), *ranked[1:])


def _make_finding(cause: Cause, observed: Observation, handler: Anchor) -> Finding:
    """Return a finding of this cause. Without a recorded line it stands at the endpoint, and is only likely."""
    return Finding(
        code=cause.code,
        name=cause.name,
        kind=observed.kind,
        primary=False,
        severity=observed.severity,
        confidence="certain" if observed.anchor is not None else "likely",
        summary=observed.summary,
        anchor=observed.anchor or handler,
        related=observed.related_to,
        evidence=observed.evidence,
        fix=observed.fix or cause.fix,
    )


def _rank(finding: Finding, cause: Cause, place: int) -> tuple[bool, bool, bool, int, int]:
    """Return what orders findings; `place` is that of the question in its cause."""
    first, last = cause.comes_first(finding), cause.comes_last(finding)
    return finding.severity != "error", not first, last, cause.rank, place
