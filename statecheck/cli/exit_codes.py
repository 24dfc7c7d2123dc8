"""What the process ends with: the exit code of a diagnosis, and of a run of scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.model import Diagnosis, ScenarioResult


def exit_code(diagnosis: Diagnosis, fail_on: str) -> ExitCode:
    """Return what a diagnosis ends with: an internal error outranks findings, and findings outrank inconclusive."""
    counted = ("error", "warning", "note")[: ("error", "warning", "note").index(fail_on) + 1]
    if any(error.slug in ("internal-error", "disk-full", "lab-lost", "side-lost") for error in diagnosis.errors):
        return ExitCode.INTERNAL
    if any(finding.severity in counted for finding in diagnosis.causes):
        return ExitCode.FINDINGS
    return ExitCode.INCONCLUSIVE if diagnosis.verdict == "inconclusive" else ExitCode.CLEAN


def run_code(results: Sequence[ScenarioResult]) -> ExitCode:
    """Return what a run ends with: 1 if a scenario got another diagnosis, 4 if one could only not be judged."""
    failed = [result for result in results if not result.passed]
    judged = [all(d.verdict != "inconclusive" for d in (*r.broken, *r.fixed)) and r.broken for r in failed]
    codes = [exit_code(d, "error") for result in failed for d in (*result.broken, *result.fixed)]
    if ExitCode.INTERNAL in codes:
        return ExitCode.INTERNAL
    if any(judged):
        return ExitCode.FINDINGS
    return ExitCode.INCONCLUSIVE if failed else ExitCode.CLEAN
