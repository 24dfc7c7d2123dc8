"""The experiments, as data: a place, a session and an overlap each. One driver (`lab/driver.py`) runs them all.

All else takes their names from here. To add one, add its name and entry, and its check in `judge/checks/__init__.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from statecheck import guards
from statecheck.so_far import Guard, SoFar
from statecheck.steps import (
    AT_ONCE,
    LATER,
    OPENED_AT_ONCE,
    OTHERS,
    SPELLINGS,
    During,
    Fail,
    Kill,
    Leave,
    Locate,
    Overlap,
    Start,
    Step,
    Survey,
    Take,
    TalkOn,
)

BASELINE = "same-process"
OTHER_WORKER = "other-worker"
NEW_PROCESS = "new-process"
NEW_CONTAINER = "new-container"
OTHER_SESSION = "other-session"
CONCURRENT = "concurrent"
CONCURRENT_WORKERS = "concurrent-workers"
TWO_SESSIONS = "two-sessions"
SAME_CONNECTION = "same-connection"
SECOND_THREAD = "second-thread"
OTHER_TENANT = "other-tenant"
KEYLESS = "keyless"
FLAG = "flag"
BACK_AGAIN = "back-again"
ALIKE_KEYS = "alike-keys"
OPENED_ELSEWHERE = "opened-elsewhere"
RESENT = "resent"
SECOND_SERVER = "second-server"
SAME_TEXT = "same-text"
CONTROL = "control"
APPROVAL = "approval"
COLD_START = "cold-start"
STREAM_CUT = "stream-cut"
LONG_TEXT = "long-text"
LONG_TALK = "long-talk"
MODEL_FAILS = "model-fails"


def _window_is_clear(so_far: SoFar) -> bool:
    lost = so_far.overlap_lost or (so_far.overlapped and so_far.by_progress)
    slow = so_far.forgets_late or so_far.unset or so_far.flushes
    return not (slow or (lost and so_far.settled.issuperset(OVERLAPPING)))


_FORGETS_REASON = f"in {BASELINE} turn 2 is not given turn 1 either"
_FORGETS = Guard(_FORGETS_REASON, lambda so_far: so_far.remembers is False)
_FORGETS_ALL = Guard(_FORGETS_REASON, lambda so_far: so_far.remembers is False and not so_far.keyed)
_SPLIT = Guard(f"workers do not share this conversation ({OTHER_WORKER})", lambda so_far: so_far.splits)
_CLEAR_WINDOW = Guard("no turn is missing that one turn after the other would not bring back", _window_is_clear)
_REMEMBERS = Guard(
    f"in {BASELINE} turn 2 is given turn 1, on another connection", lambda so_far: so_far.remembers is not False
)
_ANSWERED = Guard(
    f"each turn asks a person something, or answers that: what is answered twice is told by {APPROVAL}",
    lambda so_far: so_far.asks,
)

_FORGETFUL = (guards.SENT_WHOLE, _FORGETS)
_CANNOT_OVERLAP = (*_FORGETFUL, guards.RENEWED, _ANSWERED, guards.TABS_APART)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named sequence of steps; checks read off its history what became of the turns.

    Attributes:
        guards: what each rules it out, if it is known when it is its turn: the first that holds gives the reason.
        after: the experiments that must be settled before it is asked whether it applies.
        alone: it does not run beside another one.
        aside: it has no outcome of its own: causes and other checks read its history. It is run once others give
            reason for it, so it is asked again whenever something new is known.
        where_due: it is run and reported only where there is reason for it, or where it was asked for by name.
    """

    name: str
    steps: tuple[Step, ...]
    guards: tuple[Guard, ...] = _FORGETFUL
    after: tuple[str, ...] = (BASELINE,)
    alone: bool = False
    aside: bool = False
    where_due: bool = False

    def why_not(self, so_far: SoFar) -> str | None:
        """Return why it would show nothing, by what is known so far; None where it applies."""
        guard = next((each for each in self.guards if each.holds(so_far)), None)
        return None if guard is None else guard.reason.format(lone=so_far.lone)

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
            elif isinstance(step, (Leave, Fail, During)):
                found.append(1)
        return tuple(found)

    @property
    def sequential(self) -> bool:
        """Whether one session's turns follow each other in it."""
        return not self.overlapping and len({*self.sessions}) == 1


_KILLED = (Start("a"), Take("a"), Locate("a"), Kill("a"))
_READ = (Take("a"), Take("a", once_more=True))  # what is missing twice is lost
_RESPELLED = tuple(Take("a", session=1 + way, spelling=way) for way in range(1, SPELLINGS + 1))
_SAID = ((1, 0), (1, 1), (2, 1), (1, 0), (1, 1), (1, 0))  # sessions, and which of the texts that are said twice
_BOTH = (Take("a"), Take("a", session=2))
_SIDE_BY_SIDE = (OTHER_WORKER, NEW_PROCESS, NEW_CONTAINER, OTHER_SESSION, CONCURRENT, TWO_SESSIONS)

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        BASELINE, (Start("a"), Take("a"), Take("a"), Locate("a"), Survey()), guards=(guards.SENT_WHOLE,), after=()
    ),
    Experiment(OTHER_WORKER, (Start("a"), Start("b"), Take("a"), Take("b"), Take("a"), Locate("a"), Locate("b"))),
    Experiment(NEW_PROCESS, (*_KILLED, Start("b", warm=False), Take("b"), Locate("b", read_back=True))),
    Experiment(NEW_CONTAINER, (*_KILLED, Start("b", disk=2, warm=False), Take("b"))),
    Experiment(
        OTHER_SESSION,
        (Start("a"), *_BOTH),
        guards=(guards.ONE_USER, guards.SENT_WHOLE, _FORGETS_ALL),
    ),
    Experiment(CONCURRENT, (Start("a"), Take("a"), Overlap(("a",)), *_READ, Survey()), guards=_CANNOT_OVERLAP),
    # each session has a turn before, so that there is something to be shown, and one after, which shows what was mixed
    Experiment(
        TWO_SESSIONS,
        (Start("a"), *_BOTH, Overlap(("a",), turns=2, sessions=(1, 2)), *_BOTH[::-1], Locate("a")),
        guards=(guards.ONE_USER, *_FORGETFUL, _ANSWERED),
    ),
    Experiment(
        SAME_CONNECTION,
        (Start("a"), Take("a", stays=True), Take("a", stays=True), Locate("a", under_way=True)),
        guards=(guards.SENT_WHOLE, guards.NO_CONNECTION, _REMEMBERS),
        where_due=True,
    ),
    Experiment(
        SECOND_THREAD,
        (Start("a"), Take("a"), Take("a", session=2, user=1)),
        guards=(*_FORGETFUL, guards.NO_THREADS),
        where_due=True,
    ),
    # who has the first one's key, in another tenant: pupil 7 of another school
    Experiment(
        OTHER_TENANT,
        (Start("a"), Take("a"), Take("a", session=2, way="elsewhere", same_key=True)),
        guards=(*_FORGETFUL, guards.NO_TENANTS),
        where_due=True,
    ),
    # a user with a key, then two without: what one of these is given of the first is worse than what they share
    Experiment(
        KEYLESS,
        (Start("a"), Take("a"), Take("a", session=2, way="no-key"), Take("a", session=3, way="no-key")),
        guards=(guards.ONE_USER, *_FORGETFUL, guards.NEEDS_KEY),
        where_due=True,
    ),
    Experiment(
        FLAG,
        (Start("a"), Take("a"), *(step for n in range(2) for step in (Take("a", way="flipped", flag=n), Take("a")))),
        guards=(*_FORGETFUL, guards.NO_FLAGS),
        where_due=True,
    ),
    # one session, then others, then the first again: a cache that holds few has pushed it out
    Experiment(
        BACK_AGAIN,
        (Start("a"), Take("a"), *(Take("a", session=2 + n) for n in range(OTHERS)), Take("a"), Locate("a"), Survey()),
        guards=(guards.ONE_USER, *_FORGETFUL, guards.NO_LIMIT),
        where_due=True,
    ),
    # a message that its sender delivers again, for want of an answer: it is in the conversation once
    Experiment(
        RESENT,
        (Start("a"), Take("a"), Take("a", way="again"), Take("a")),
        guards=(*_FORGETFUL, guards.NO_EVENTS),
        where_due=True,
    ),
    # sessions whose keys differ in case, punctuation or length alone; then the first again: they are no other's
    Experiment(
        ALIKE_KEYS,
        (Start("a"), Take("a"), *_RESPELLED, Take("a"), Survey()),
        guards=(guards.ONE_USER, *_FORGETFUL, guards.NO_FOLDING),
        where_due=True,
    ),
    # a text that two sessions say; and one of them says it again, with a turn between
    Experiment(
        SAME_TEXT,
        (Start("a"), *(Take("a", session=n, text=text) for n, text in _SAID), Survey()),
        guards=(guards.ONE_USER, *_FORGETFUL, _ANSWERED, guards.NOT_BY_TEXT),
        where_due=True,
    ),
    # two workers as alike as two can be, each with its first client, then three at once: the ids given are to differ
    Experiment(
        OPENED_ELSEWHERE,
        (Start("a"), Start("b"), Take("a"), Take("b", session=2), *OPENED_AT_ONCE),
        guards=(guards.ONE_USER, guards.TOO_FEW_USERS, *_FORGETFUL, guards.NO_IDS),
        where_due=True,
    ),
    # a server starts beside one with an old run under way, as in a rolling deploy; one starts after another died young
    Experiment(
        SECOND_SERVER,
        (
            Start("a"),
            During("a", (Start("b", warm=False, later=LATER, settles=True),)),
            During("a", (Kill("a"), Start("c", warm=False, settles=True))),
        ),
        guards=(*_FORGETFUL, _ANSWERED, guards.NO_RUNS),
        where_due=True,
    ),
    # texts as people and models write them, with line breaks or long: each is looked for in the turn after it
    Experiment(
        LONG_TEXT,
        (Start("a"), Take("a", wording="lines"), Take("a", wording="long"), Take("a"), Survey()),
        guards=(*_FORGETFUL, _ANSWERED, guards.NO_CUTTING),
        where_due=True,
    ),
    # beyond what the code lets be kept of a conversation: what is given then is to be the newest of it
    Experiment(
        LONG_TALK,
        (Start("a"), TalkOn("a"), Survey()),
        guards=(*_FORGETFUL, _ANSWERED, guards.NO_COUNT),
        where_due=True,
    ),
    # a model that is busy once: what was said before is still given, and what was said then stands there once
    Experiment(
        MODEL_FAILS,
        (Start("a"), Take("a"), Fail("a"), Take("a"), Survey()),
        guards=(*_FORGETFUL, _ANSWERED, guards.NO_FAILURE),
        where_due=True,
    ),
    # one question, answered by as many as an overlap has
    Experiment(
        APPROVAL, (Start("a"), Take("a"), Overlap(("a",))), guards=(_FORGETS, guards.NOTHING_ASKED), where_due=True
    ),
    # as many turns as an overlap has, one after the other: what a later turn is given then is the memory's window
    Experiment(
        CONTROL,
        (Start("a"), *(Take("a") for _ in range(AT_ONCE + 2))),
        guards=(_CLEAR_WINDOW,),
        after=_SIDE_BY_SIDE,
        alone=True,
        aside=True,
    ),
    Experiment(
        CONCURRENT_WORKERS,
        (Start("a"), Start("b"), Take("a"), Overlap(("a", "b")), *_READ, Survey()),
        guards=(*_CANNOT_OVERLAP, _SPLIT),
        after=_SIDE_BY_SIDE,
        alone=True,
    ),
    # two first turns at once on an empty store: only asked of a store that makes its tables when it is first used
    Experiment(
        COLD_START,
        (Start("a", warm=False), Overlap(("a",), turns=2)),
        guards=(guards.NO_TABLES,),
        after=(CONCURRENT_WORKERS,),
        alone=True,
        aside=True,
    ),
    # a client that goes away before the end of its answer: only asked of an app that streams its answers
    Experiment(
        STREAM_CUT,
        (Start("a"), Take("a"), Leave("a"), Take("a")),
        guards=(guards.NO_STREAM,),
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
OVERLAPPING = tuple(each.name for each in EXPERIMENTS if each.overlapping and not (each.aside or each.where_due))
SESSIONS = {each.name: each.sessions for each in EXPERIMENTS if len({*each.sessions}) > 1}
"""The session of each turn, by the names of the experiments in which there are several."""


def find_experiment(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        ValueError: there is none.
    """
    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    raise ValueError(f"`{name}` is no experiment")
