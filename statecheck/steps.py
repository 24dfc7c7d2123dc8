"""What an experiment is made of: the steps that the driver takes, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SPELLINGS = 5
"""In how many ways the key of a session is spelled that another one has (`statecheck.talk.variations`)."""
Way = Literal["", "no-key", "flipped", "again", "elsewhere"]
Wording = Literal["line", "lines", "long"]
AT_ONCE = 8
"""How many turns of one session are sent at once."""
LATER = 3600
"""How many seconds a run is old that is found under way: more than any server waits before it takes one up."""
OTHERS = 8
"""How many other sessions come between two turns of one."""


@dataclass(frozen=True, slots=True)
class Start:
    """A new worker on a disk; warmed by a turn of a throw-away session unless it starts in mid-experiment.

    Attributes:
        later: how many seconds later it is to the libraries that look at the age of what they find when they start.
        settles: it is left alone until it does no more of what it begins when it starts.
    """

    worker: str
    disk: int = 1
    warm: bool = True
    later: int = 0
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """One turn of a session, at this worker.

    Attributes:
        user: the session whose user this is too, in a second thread; 0: another user.
        way: how the request differs from that of other turns: it has no session key, or a boolean the other way, or
            names another tenant; or it is that of the turn before, sent again.
        flag: which boolean; there is no turn where the request has fewer.
        stays: its connection is left open, and is the one of the turn before if that was left open; where a turn is no
            request of its own but a message on a connection.
        spelling: in which way the session has the first one's key, spelled otherwise; 0: a key of its own.
        same_key: the session has the first one's key, and is another's for what else the request says.
        text: which of the texts that are said more than once it says; 0: one of its own.
        once_more: it asks again what the turn before asked, and only where that was not given all: what is given now
            was written late, by a thread of a library's, say.
        wording: how what is said is written: in a line, in several, or at length.
    """

    worker: str
    session: int = 1
    user: int = 0
    way: Way = ""
    flag: int = 0
    stays: bool = False
    spelling: int = 0
    same_key: bool = False
    text: int = 0
    once_more: bool = False
    wording: Wording = "line"


@dataclass(frozen=True, slots=True)
class TalkOn:
    """Turns of the first session, at this worker, until there are more than a limit in the code lets be kept."""

    worker: str


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL."""

    worker: str


@dataclass(frozen=True, slots=True)
class Locate:
    """Search this worker's memory, and its disk, for the markers so far.

    To see what was `read_back`: its memory alone, and only where turn 1 was stored and its last turn was not given it.
    What calls that are `under_way` hold is looked at too, where a connection was left open.
    """

    worker: str
    read_back: bool = False
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class Overlap:
    """Turns sent at once, spread over these workers and sessions, held at the model until all have arrived."""

    workers: tuple[str, ...]
    turns: int = AT_ONCE
    sessions: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Open:
    """Sessions that this worker opens at once, before any of them has a turn: where a request opens them."""

    worker: str
    sessions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """A turn of session 1 whose client goes away while it is held at the model."""

    worker: str


@dataclass(frozen=True, slots=True)
class Fail:
    """A turn of session 1 in which the first call of a model fails; a client whose turn is refused sends it again."""

    worker: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Note what the user's code says itself: where it limits what is kept, makes keys alike, goes by texts, retries."""


@dataclass(frozen=True, slots=True)
class During:
    """A turn of session 1, at whose model call it is held while other steps are taken."""

    worker: str
    steps: tuple[Start | Kill, ...]


Step = Start | Take | Kill | Locate | Overlap | Open | Leave | Fail | During | Survey | TalkOn
OPENED = (3, 4, 5)
OPENED_AT_ONCE: tuple[Step, ...] = (Open("a", OPENED), *(Take("a", session=n) for n in OPENED))
"""Sessions that one worker opens at once, and a turn of each: of three that come at once two come in one second."""
