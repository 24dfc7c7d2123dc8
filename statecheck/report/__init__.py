"""Reports: one file a format, each turning a diagnosis, or the results of scenarios, into text. Nothing prints here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.report import concise, full, json, plans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statecheck.model import Diagnosis, ScenarioResult
    from statecheck.report.text import View
    from statecheck.talk.plan import Proposal


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a report: one pure function for each of the three things there are to report."""

    diagnosis: Callable[[Diagnosis, View], str]
    scenarios: Callable[[Sequence[ScenarioResult], View], str]
    proposal: Callable[[Proposal, View], str]


FORMATS = {
    "full": Format(full.render, full.render_scenarios, plans.full),
    "concise": Format(concise.render, concise.render_scenarios, plans.concise),
    "json": Format(json.render, json.render_scenarios, json.render_proposal),
}
