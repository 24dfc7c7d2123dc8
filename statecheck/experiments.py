"""The experiments, as data: a place, a session and an overlap each. One driver (`driver.py`) runs them all."""

from __future__ import annotations

from dataclasses import dataclass

OVERLAPPING = 8
"""How many turns of one session are sent at once."""


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
    turns: int = OVERLAPPING


@dataclass(frozen=True, slots=True)
class Leave:
    """A turn of session 1 whose client goes away while it is held at the model."""

    worker: str


Step = Start | Take | Kill | Locate | Overlap | Leave


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named sequence of steps; checks read off its history what became of the turns."""

    name: str
    steps: tuple[Step, ...]


CONTROL = Experiment("control", (Start("a"), *(Take("a") for _ in range(OVERLAPPING + 2))))
"""As many turns as an overlap has, one after the other: what a later turn is given then is the memory's window."""

COLD_START = Experiment("cold-start", (Start("a", warm=False), Overlap(("a",), turns=2)))
"""Two first turns at once on an empty store: only asked of a store that makes its tables when it is first used."""

STREAM_CUT = Experiment("stream-cut", (Start("a"), Take("a"), Leave("a"), Take("a")))
"""A client that goes away before the end of its answer: only asked of an app that streams its answers."""

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment("same-process", (Start("a"), Take("a"), Take("a"), Locate("a"))),
    Experiment(
        "other-worker",
        (Start("a"), Start("b"), Take("a"), Take("b"), Take("a"), Locate("a"), Locate("b")),
    ),
    Experiment("new-process", (Start("a"), Take("a"), Locate("a"), Kill("a"), Start("b", warm=False), Take("b"))),
    Experiment(
        "new-container",
        (Start("a"), Take("a"), Locate("a"), Kill("a"), Start("b", disk=2, warm=False), Take("b")),
    ),
    Experiment("other-session", (Start("a"), Take("a"), Take("a", session=2))),
    Experiment("concurrent", (Start("a"), Take("a"), Overlap(("a",)), Take("a"))),
    Experiment("concurrent-workers", (Start("a"), Start("b"), Take("a"), Overlap(("a", "b")), Take("a"))),
)
