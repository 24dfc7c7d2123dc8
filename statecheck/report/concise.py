"""`concise`: one line a finding, in the form that editors and CI know (`path:line: severity[code] name: summary`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.report import plans
from statecheck.report.format import Format
from statecheck.report.text import View, header, name_causes, plural, safe, select_applied, sort_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.model import Diagnosis, ScenarioResult


def render(diagnosis: Diagnosis, view: View) -> str:
    """One line a finding and one a problem; a single line if there is neither."""
    path = safe(diagnosis.target.path)
    lines = [
        f"{safe(str(finding.anchor))}: {header(finding)}: {safe(finding.summary)}"
        for finding in sort_findings(diagnosis.causes)
    ]
    lines += [f"{path}: error: {safe(error.text)} ({safe(error.hint)})" for error in diagnosis.errors]
    if diagnosis.verdict == "inconclusive" and not diagnosis.errors:
        wrong = [outcome for outcome in diagnosis.experiments if outcome.outcome == "error"]
        lines += [f"{path}: error: {outcome.name}: {safe(outcome.reason)}" for outcome in wrong]
    if not lines and diagnosis.verdict == "inconclusive":
        lines = [f"{path}: error: inconclusive"]
    return _text(lines or [f"{path}: {diagnosis.verdict}: {_counts(diagnosis)}"], view)


def render_scenarios(results: Sequence[ScenarioResult], view: View) -> str:
    """One line a scenario."""
    return _text([f"{safe(result.label)}: {_outcome(result)}" for result in results], view)


def _outcome(result: ScenarioResult) -> str:
    if not result.passed:
        return f"failed: {safe('; '.join(result.failures) or 'not the expected diagnosis')}"
    named = name_causes(result)
    broken, fixed = plural(len(result.broken), "broken app"), plural(len(result.fixed), "fixed twin")
    return f"passed: {broken} got {named}, {fixed} none"


def _counts(diagnosis: Diagnosis) -> str:
    ran, skipped = len(select_applied(diagnosis)), len(diagnosis.experiments) - len(select_applied(diagnosis))
    return f"{plural(ran, 'experiment')} ran" + (f", {skipped} skipped" if skipped else "")


def _text(lines: list[str], view: View) -> str:
    return "" if view.verbosity < -1 else "".join(f"{line}\n" for line in lines)


FORMAT = Format(render, render_scenarios, plans.concise)
