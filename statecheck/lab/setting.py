"""What all experiments of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.lab.client import Markers
    from statecheck.lab.error_hints import Remedies
    from statecheck.lab.locating import Locator
    from statecheck.lab.workers.pool import Lab
    from statecheck.lab.workers.readiness import Limits
    from statecheck.talk.plan import Plan


@dataclass(frozen=True)
class Setting:
    """The target, how a client talks to it, and how far a run may go.

    Attributes:
        hold: at what turns that overlap are held, `model` or `reads`.
    """

    lab: Lab
    plan: Plan
    markers: Markers
    limits: Limits
    remedies: Remedies
    volumes: tuple[str, ...]
    locator: Locator
    hold: str
