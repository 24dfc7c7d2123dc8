"""What speaks for a field being the message, or being what says who is talking. Imports nothing of the package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Source = Literal["name", "said", "origin", "place", "code"]


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One reason to take a field for the message or for the session.

    Attributes:
        source: where the reason comes from: the field's `name`, what client code calls the value (`said`), how a client
            comes by it (`origin`), the `place` where it travels, or what the server's `code` does with it.
        weight: positive for the message, negative for the session. All weights stand in `weights.py`.
        because: the reason in a few words, as it is printed.
    """

    source: Source
    weight: float
    because: str

    def times(self, share: float) -> FieldEvidence:
        """Return the same reason, counted for this share of its weight."""
        return replace(self, weight=self.weight * share)


@dataclass(frozen=True, slots=True)
class Decision:
    """How a list of evidence decides.

    Attributes:
        leaning: positive for the message, negative for the session; 0 says nothing.
        message, session: the reasons for each, the strongest first.
    """

    leaning: float
    message: tuple[FieldEvidence, ...]
    session: tuple[FieldEvidence, ...]


def decide(evidence: Iterable[FieldEvidence]) -> Decision:
    """Return what all evidence says together: of each source the strongest reason each way counts, and they add up.

    The order of the evidence does not matter, the same reason counts once, and a reason for the message never makes a
    field lean more towards the session, nor the reverse.
    """
    reasons = sorted({e for e in evidence if e.weight}, key=lambda e: (-abs(e.weight), e.source, e.because))
    strongest: dict[tuple[Source, bool], float] = {}
    for each in reasons:
        strongest.setdefault((each.source, each.weight > 0), each.weight)
    return Decision(
        fsum(strongest.values()),
        tuple(each for each in reasons if each.weight > 0),
        tuple(each for each in reasons if each.weight < 0),
    )
