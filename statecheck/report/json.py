"""`json`: the contract that other programs rely on, described by `schema.json` beside this file.

Keys may be added under the same `schema_version`; renaming or removing one raises it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck import __version__
from statecheck.report import plans
from statecheck.report.format import Format
from statecheck.report.text import View, sort_findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statecheck.model import Anchor, Diagnosis, Finding, Outcome, ScenarioResult
    from statecheck.talk.plan import Proposal

SCHEMA_VERSION = 1

# Valid in JSON, but a terminal may obey them: C1 controls, bidi overrides, line separators. Lone surrogates, which
# no UTF-8 file can hold. All stand inside strings, where an escape means the same.
_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def render(diagnosis: Diagnosis, view: View) -> str:  # noqa: ARG001 - the same call for every format
    """Return the document of `diagnose` and `analyze`."""
    return dumps(document(_diagnosis(diagnosis)))


def render_scenarios(results: Sequence[ScenarioResult], view: View) -> str:  # noqa: ARG001 - as above
    """Return the document of `run`."""
    return dumps(document({"scenarios": [_scenario(result) for result in results]}))


def render_proposal(proposal: Proposal, view: View) -> str:  # noqa: ARG001 - as above
    """Return the document of `diagnose --plan`."""
    return dumps(document(plans.content(proposal)))


def document(content: Mapping[str, object]) -> dict[str, object]:
    """Return a document: its version and ours first."""
    return {"schema_version": SCHEMA_VERSION, "statecheck": __version__, **content}


def dumps(value: object) -> str:
    """JSON text that is valid UTF-8 whatever the strings hold, and shows every character that is safe to show."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def schema() -> str:
    """Return the JSON Schema of the documents."""
    return Path(__file__).with_name("schema.json").read_text("utf-8")


def _diagnosis(diagnosis: Diagnosis) -> dict[str, object]:
    target = diagnosis.target
    return {
        "target": {"path": target.path, "object": target.object, "framework": target.framework},
        "verdict": diagnosis.verdict,
        "causes": [_finding(finding) for finding in sort_findings(diagnosis.causes)],
        "experiments": [_experiment(outcome) for outcome in diagnosis.experiments],
        "run": diagnosis.run,
        "errors": [{"slug": error.slug, "text": error.text, "hint": error.hint} for error in diagnosis.errors],
        "notes": list(diagnosis.notes),
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "name": finding.name,
        "kind": finding.kind,
        "primary": finding.primary,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "summary": finding.summary,
        "anchor": _place(finding.anchor),
        "related": [{**_place(anchor), "text": anchor.text} for anchor in finding.related],
        "evidence": [{"experiment": item.experiment, "text": item.text} for item in finding.evidence],
        "fix": finding.fix,
    }


def _place(anchor: Anchor) -> dict[str, object]:
    return {"path": anchor.path, "line": anchor.line}


def _experiment(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.name,
        "outcome": outcome.outcome,
        "pids": list(outcome.pids),
        "session_keys": list(outcome.session_keys),
        "reason": outcome.reason,
    }


def _scenario(result: ScenarioResult) -> dict[str, object]:
    return {
        "name": result.name,
        "kind": result.kind,
        "expected": list(result.expected),
        "passed": result.passed,
        "broken": [document(_diagnosis(diagnosis)) for diagnosis in result.broken],
        "fixed": [document(_diagnosis(diagnosis)) for diagnosis in result.fixed],
    }


FORMAT = Format(render, render_scenarios, render_proposal)
