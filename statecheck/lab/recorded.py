"""What a run leaves to be judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.lab.results import Results

if TYPE_CHECKING:
    from statecheck.talk.plan import Plan


@dataclass
class Recorded:
    """Filled while a run goes on, so that what was recorded before something went wrong is there too.

    Attributes:
        framework, object: what was driven.
        seed: of the run's markers and keys.
        plans: how it may be talked to, best first.
        plan: the one that was taken.
        results: what the experiments left; a problem of the run's own is there under "".
        outputs: {worker generation: what the target printed there}.
        notes: what a reader should know of how it was run.
        versions: of the packages that decide how state is kept.
    """

    framework: str
    object: str
    seed: int
    plans: tuple[Plan, ...] = ()
    plan: Plan | None = None
    results: Results = field(default_factory=Results)
    outputs: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
