"""Whether an app that is sent the whole conversation keeps it as well: which experiments tell, and what they prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, OTHER_SESSION, OTHER_WORKER
from statecheck.steps import Locate, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from statecheck.so_far import SoFar


@dataclass(frozen=True, slots=True)
class Trial:
    """Experiments that tell whether an app which is sent the whole conversation keeps it as well.

    Attributes:
        names: of the experiments, in their order.
        more: steps that are taken after an experiment's own.
        sends_new: a client sends only what is new, and not the conversation again.
        due: whether what is known gives reason for it.
        counts: whether what was recorded is part of the run, by what is known then; else it is as if it had not been.
        proves: where it counts, the app keeps the conversation: clients talk like this in all that follows.
        note: what the report says then.
    """

    names: tuple[str, ...]
    counts: Callable[[SoFar], bool]
    due: Callable[[SoFar], bool] = lambda _: True
    more: tuple[Step, ...] = ()
    sends_new: bool = False
    proves: bool = True
    note: str = ""


TRIALS: tuple[Trial, ...] = (
    # does it use what it is sent?
    Trial((BASELINE,), counts=lambda so_far: so_far.remembers is not None, proves=False),
    # sent everything, the app is yet lost without what it keeps itself
    Trial((BASELINE, OTHER_WORKER), counts=lambda so_far: bool(so_far.remembers and so_far.splits)),
    Trial((OTHER_SESSION,), counts=lambda _: True, more=(Locate("a"),), proves=False),
    # what leaks into another session is kept: how the app fares with what it keeps is else covered by what it is sent
    Trial(
        (BASELINE,),
        due=lambda so_far: so_far.leaks,
        counts=lambda so_far: bool(so_far.remembers),
        sends_new=True,
        note="the app keeps what was said: how it fares with that was tried without sending it again",
    ),
)
"""In their order, until one proves it."""
