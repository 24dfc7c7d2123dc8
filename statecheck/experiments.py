"""The experiments, as data: a place, a session and an overlap each. One driver (`lab/driver.py`) runs them all.

Nothing else writes their names down: options, judge and lab take them from here. To add one, add its name and its
entry here, and bind its check in `judge/checks/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from statecheck.so_far import SoFar
from statecheck.steps import AT_ONCE, OTHERS, Kill, Leave, Locate, Overlap, Start, Step, Survey, Take

BASELINE = "same-process"
OTHER_WORKER = "other-worker"
NEW_PROCESS = "new-process"
NEW_CONTAINER = "new-container"
OTHER_SESSION = "other-session"
CONCURRENT = "concurrent"
CONCURRENT_WORKERS = "concurrent-workers"
TWO_SESSIONS = "two-sessions"
SECOND_THREAD = "second-thread"
KEYLESS = "keyless"
FLAG = "flag"
BACK_AGAIN = "back-again"
CONTROL = "control"
COLD_START = "cold-start"
STREAM_CUT = "stream-cut"


Applies = Callable[[SoFar], "str | None"]
"""Asked before an experiment is run: why it does not apply, or None."""


def _all_of(*guards: Applies) -> Applies:
    """Return the guard that gives the first reason of several."""

    def applies(so_far: SoFar) -> str | None:
        return next((reason for guard in guards if (reason := guard(so_far)) is not None), None)

    return applies


def _several_users(so_far: SoFar) -> str | None:
    known = f"the app knows its users by a table of its own (`{so_far.lone}`), so that all clients are one of them"
    return known if so_far.lone else None


def _may_overlap(so_far: SoFar) -> str | None:
    return "a page in a browser sends one message at a time" if so_far.one_by_one else None


def _kept_by_app(so_far: SoFar) -> str | None:
    return "the client sends the whole conversation with every turn" if so_far.sent_whole else None


def _remembered(so_far: SoFar) -> str | None:
    return f"in {BASELINE} turn 2 is not given turn 1 either" if so_far.remembers is False else None


def _remembered_or_keyed(so_far: SoFar) -> str | None:
    return None if so_far.keyed else _remembered(so_far)


def _not_renewed(so_far: SoFar) -> str | None:
    reason = "each answer tells the client what to send next, so that its turns cannot overlap"
    return reason if so_far.renewed else None


def _shared_by_workers(so_far: SoFar) -> str | None:
    return f"workers do not share this conversation ({OTHER_WORKER})" if so_far.splits else None


def _window_in_doubt(so_far: SoFar) -> str | None:
    lost = so_far.overlap_lost or (so_far.overlapped and so_far.by_progress)
    asked = so_far.forgets_late or so_far.unset or (lost and so_far.settled.issuperset(OVERLAPPING))
    return None if asked else "no turn is missing that one turn after the other would not bring back"


def _made_when_first_used(so_far: SoFar) -> str | None:
    return None if so_far.overlapped and so_far.makes_tables else "no store makes its tables when it is first used"


def _may_be_cut(so_far: SoFar) -> str | None:
    return None if so_far.overlapped and so_far.streams else "no answer comes piece by piece"


def _has_threads(so_far: SoFar) -> str | None:
    return None if so_far.threads else "a client does not send both a user and a thread"


def _has_optional_key(so_far: SoFar) -> str | None:
    return None if so_far.optional_key else "the app does not do without a session key"


def _may_push_out(so_far: SoFar) -> str | None:
    return None if so_far.bounded or so_far.pushed_out else "nothing of the app's holds a limited number of sessions"


def _has_flags(so_far: SoFar) -> str | None:
    return None if so_far.flags else "no boolean of the request could change how it is answered"


_REMEMBERS = _all_of(_kept_by_app, _remembered)
_OVERLAPS = _all_of(_may_overlap, _kept_by_app, _remembered, _not_renewed)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named sequence of steps; checks read off its history what became of the turns.

    Attributes:
        applies: why it would show nothing, by what is known when it is its turn, or None.
        after: the experiments that must be settled before it is asked whether it applies.
        alone: it does not run beside another one.
        aside: it has no outcome of its own: causes and other checks read its history. It is run once others give
            reason for it, so it is asked again whenever something new is known.
        where_due: it is run and reported only where there is reason for it, or where it was asked for by name.
    """

    name: str
    steps: tuple[Step, ...]
    applies: Applies = _REMEMBERS
    after: tuple[str, ...] = (BASELINE,)
    alone: bool = False
    aside: bool = False
    where_due: bool = False

    @property
    def overlapping(self) -> bool:
        """Whether turns of one session overlap in it."""
        return any(isinstance(step, Overlap) and len(step.sessions) == 1 for step in self.steps)

    @property
    def sessions(self) -> tuple[int, ...]:
        """The session of each of its turns, in the order of their numbers."""
        found: list[int] = []
        for step in self.steps:
            if isinstance(step, Take):
                found.append(step.session)
            elif isinstance(step, Overlap):
                found += [step.sessions[turn % len(step.sessions)] for turn in range(step.turns)]
            elif isinstance(step, Leave):
                found.append(1)
        return tuple(found)

    @property
    def sequential(self) -> bool:
        """Whether one session's turns follow each other in it."""
        return not self.overlapping and len({*self.sessions}) == 1


_KILLED = (Start("a"), Take("a"), Locate("a"), Kill("a"))
_SIDE_BY_SIDE = (OTHER_WORKER, NEW_PROCESS, NEW_CONTAINER, OTHER_SESSION, CONCURRENT, TWO_SESSIONS)

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(BASELINE, (Start("a"), Take("a"), Take("a"), Locate("a")), applies=_kept_by_app, after=()),
    Experiment(OTHER_WORKER, (Start("a"), Start("b"), Take("a"), Take("b"), Take("a"), Locate("a"), Locate("b"))),
    Experiment(NEW_PROCESS, (*_KILLED, Start("b", warm=False), Take("b"), Locate("b", read_back=True))),
    Experiment(NEW_CONTAINER, (*_KILLED, Start("b", disk=2, warm=False), Take("b"))),
    Experiment(
        OTHER_SESSION,
        (Start("a"), Take("a"), Take("a", session=2)),
        applies=_all_of(_several_users, _kept_by_app, _remembered_or_keyed),
    ),
    Experiment(CONCURRENT, (Start("a"), Take("a"), Overlap(("a",)), Take("a")), applies=_OVERLAPS),
    # each session has a turn before, so that there is something to be shown, and one after, which shows what was mixed
    Experiment(
        TWO_SESSIONS,
        (
            Start("a"),
            Take("a"),
            Take("a", session=2),
            Overlap(("a",), turns=2, sessions=(1, 2)),
            Take("a", session=2),
            Take("a"),
            Locate("a"),
        ),
        applies=_all_of(_several_users, _kept_by_app, _remembered),
    ),
    Experiment(
        SECOND_THREAD,
        (Start("a"), Take("a"), Take("a", session=2, user=1)),
        applies=_all_of(_kept_by_app, _remembered, _has_threads),
        where_due=True,
    ),
    # a user with a key, then two without: what one of these is given of the first is worse than what they share
    Experiment(
        KEYLESS,
        (Start("a"), Take("a"), Take("a", session=2, way="no-key"), Take("a", session=3, way="no-key")),
        applies=_all_of(_several_users, _kept_by_app, _remembered, _has_optional_key),
        where_due=True,
    ),
    Experiment(
        FLAG,
        (Start("a"), Take("a"), *(step for n in range(2) for step in (Take("a", way="flipped", flag=n), Take("a")))),
        applies=_all_of(_kept_by_app, _remembered, _has_flags),
        where_due=True,
    ),
    # one session, then others, then the first again: a cache that holds few has pushed it out
    Experiment(
        BACK_AGAIN,
        (Start("a"), Take("a"), *(Take("a", session=2 + n) for n in range(OTHERS)), Take("a"), Locate("a"), Survey()),
        applies=_all_of(_several_users, _kept_by_app, _remembered, _may_push_out),
        where_due=True,
    ),
    # as many turns as an overlap has, one after the other: what a later turn is given then is the memory's window
    Experiment(
        CONTROL,
        (Start("a"), *(Take("a") for _ in range(AT_ONCE + 2)), Survey()),
        applies=_window_in_doubt,
        after=_SIDE_BY_SIDE,
        alone=True,
        aside=True,
    ),
    Experiment(
        CONCURRENT_WORKERS,
        (Start("a"), Start("b"), Take("a"), Overlap(("a", "b")), Take("a")),
        applies=_all_of(_OVERLAPS, _shared_by_workers),
        after=_SIDE_BY_SIDE,
        alone=True,
    ),
    # two first turns at once on an empty store: only asked of a store that makes its tables when it is first used
    Experiment(
        COLD_START,
        (Start("a", warm=False), Overlap(("a",), turns=2)),
        applies=_made_when_first_used,
        after=(CONCURRENT_WORKERS,),
        alone=True,
        aside=True,
    ),
    # a client that goes away before the end of its answer: only asked of an app that streams its answers
    Experiment(
        STREAM_CUT,
        (Start("a"), Take("a"), Leave("a"), Take("a")),
        applies=_may_be_cut,
        after=(CONCURRENT_WORKERS,),
        alone=True,
        aside=True,
    ),
)

REPORTED = tuple(each.name for each in EXPERIMENTS if not each.aside)
"""Names of the experiments that have an outcome, in the order in which they are reported."""
ASIDE = tuple(each.name for each in EXPERIMENTS if each.aside)
WHERE_DUE = tuple(each.name for each in EXPERIMENTS if each.where_due)
SEQUENTIAL = tuple(each.name for each in EXPERIMENTS if each.sequential and not (each.aside or each.where_due))
OVERLAPPING = tuple(each.name for each in EXPERIMENTS if each.overlapping and not each.aside)
SESSIONS = {each.name: each.sessions for each in EXPERIMENTS if len({*each.sessions}) > 1}
"""The session of each turn, by the names of the experiments in which there are several."""


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


def find_experiment(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        ValueError: there is none.
    """
    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    raise ValueError(f"`{name}` is no experiment")
