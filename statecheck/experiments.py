"""The experiments, as data: a place, a session and an overlap each. One driver (`lab/driver.py`) runs them all.

Nothing else writes their names down: options, judge and lab take them from here.
"""

from __future__ import annotations

from dataclasses import dataclass

AT_ONCE = 8
"""How many turns of one session are sent at once."""

BASELINE = "same-process"
OTHER_WORKER = "other-worker"
NEW_PROCESS = "new-process"
NEW_CONTAINER = "new-container"
OTHER_SESSION = "other-session"
CONCURRENT = "concurrent"
CONCURRENT_WORKERS = "concurrent-workers"
CONTROL = "control"
COLD_START = "cold-start"
STREAM_CUT = "stream-cut"


@dataclass(frozen=True, slots=True)
class Start:
    """A new worker on a disk; warmed by a turn of a throw-away session unless it starts in mid-experiment."""

    worker: str
    disk: int = 1
    warm: bool = True


@dataclass(frozen=True, slots=True)
class Take:
    """One turn of a session, at this worker."""

    worker: str
    session: int = 1


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL."""

    worker: str


@dataclass(frozen=True, slots=True)
class Locate:
    """Search this worker's memory, and its disk, for the markers so far."""

    worker: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """Turns of session 1 sent at once, spread over these workers, held at the model until all have arrived."""

    workers: tuple[str, ...]
    turns: int = AT_ONCE


@dataclass(frozen=True, slots=True)
class Leave:
    """A turn of session 1 whose client goes away while it is held at the model."""

    worker: str


Step = Start | Take | Kill | Locate | Overlap | Leave


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named sequence of steps; checks read off its history what became of the turns.

    Attributes:
        aside: it has no outcome of its own: causes and other checks read its history.
    """

    name: str
    steps: tuple[Step, ...]
    aside: bool = False

    @property
    def overlapping(self) -> bool:
        """Whether turns of one session overlap in it."""
        return any(isinstance(step, Overlap) for step in self.steps)

    @property
    def sequential(self) -> bool:
        """Whether one session's turns follow each other in it."""
        return not self.overlapping and not any(isinstance(step, Take) and step.session != 1 for step in self.steps)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(BASELINE, (Start("a"), Take("a"), Take("a"), Locate("a"))),
    Experiment(
        OTHER_WORKER,
        (Start("a"), Start("b"), Take("a"), Take("b"), Take("a"), Locate("a"), Locate("b")),
    ),
    Experiment(NEW_PROCESS, (Start("a"), Take("a"), Locate("a"), Kill("a"), Start("b", warm=False), Take("b"))),
    Experiment(
        NEW_CONTAINER,
        (Start("a"), Take("a"), Locate("a"), Kill("a"), Start("b", disk=2, warm=False), Take("b")),
    ),
    Experiment(OTHER_SESSION, (Start("a"), Take("a"), Take("a", session=2))),
    Experiment(CONCURRENT, (Start("a"), Take("a"), Overlap(("a",)), Take("a"))),
    Experiment(CONCURRENT_WORKERS, (Start("a"), Start("b"), Take("a"), Overlap(("a", "b")), Take("a"))),
    # as many turns as an overlap has, one after the other: what a later turn is given then is the memory's window
    Experiment(CONTROL, (Start("a"), *(Take("a") for _ in range(AT_ONCE + 2))), aside=True),
    # two first turns at once on an empty store: only asked of a store that makes its tables when it is first used
    Experiment(COLD_START, (Start("a", warm=False), Overlap(("a",), turns=2)), aside=True),
    # a client that goes away before the end of its answer: only asked of an app that streams its answers
    Experiment(STREAM_CUT, (Start("a"), Take("a"), Leave("a"), Take("a")), aside=True),
)

REPORTED = tuple(each.name for each in EXPERIMENTS if not each.aside)
"""Names of the experiments that have an outcome, in the order in which they are reported."""
ASIDE = tuple(each.name for each in EXPERIMENTS if each.aside)
SEQUENTIAL = tuple(each.name for each in EXPERIMENTS if each.sequential and not each.aside)
OVERLAPPING = tuple(each.name for each in EXPERIMENTS if each.overlapping and not each.aside)


def find_experiment(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        ValueError: there is none.
    """
    found = next((each for each in EXPERIMENTS if each.name == name), None)
    if found is None:
        raise ValueError(f"`{name}` is no experiment")
    return found
