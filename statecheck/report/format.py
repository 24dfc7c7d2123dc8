"""The interface of a format: the file of each has one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
