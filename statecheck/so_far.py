"""What is known of an app while its experiments run: by that each says whether it applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Hints:
    """What the source of an app gives reason to try.

    Attributes:
        bounds_sessions: its code has a cache that holds a limited number of sessions.
        folds_keys: its code does something to keys that could make two of them one.
        goes_by_text: its code goes by the text of a message.
        cuts_texts: its code takes texts apart.
        counts_messages: its code may keep so many messages of a conversation.
        retries: its code sees to a call that fails.
    """

    bounds_sessions: bool = False
    folds_keys: bool = False
    goes_by_text: bool = False
    cuts_texts: bool = False
    counts_messages: bool = False
    retries: bool = False


@dataclass(frozen=True, slots=True)
class SoFar:
    """What is known of an app when the question comes whether an experiment applies.

    What nothing has shown yet is False, None or "". The lab derives it from the plan and from what the checks say.

    Attributes:
        settled: names of the experiments that have run, or that do not apply.
        lone: what says who is talking, where all clients are one user to the app (`header X-Api-Key`).
        users: how many the app's own code knows with their passwords; 0 where a client may be anybody.
        tabs_apart: a client is a page in a browser, and what the app keeps of the baseline is that tab's alone.
        keyed: what a client sends names its session.
        sent_whole: a client sends the whole conversation, and nothing shows that the app keeps it as well.
        remembers: turn 2 of the baseline was given turn 1; None before the baseline has run.
        renewed: each answer of the baseline gives the client what to send next.
        unset: a turn of the baseline changed a session in place, which only a later turn shows to be lost.
        flushes: a request builds a block for what its memory has no room for.
        makes_tables: the library makes tables in a database of this app's own when a store is first used.
        streams: answers come piece by piece, so that a client may go away in the middle.
        by_progress: turns are told apart by how far their answers have come alone.
        splits: another worker was not given what the first one was.
        forgets_late: only the turn back at the first worker forgets: it may do so wherever it is answered.
        leaks: another session was given what the first one said.
        asks: what the app asks a person in a turn is answered by the next.
        connects: a turn is a message on a connection, which may stay open.
        threads, optional_key, flags: a client sends a user and a thread, or the like; the app does without a session
            key; the request has a boolean.
        tenants: a client sends a tenant beside its session key: a school, a company.
        bounded: the app's code has a cache that holds a limited number of sessions.
        folds: its code does something to the session key that a client sends which could make two of them one.
        by_text: its code, or what it was seen to do, goes by the text of a message: a key is made of it, or it is taken
            once.
        hands_out: the app gives a new client the id of its session.
        resumes: a server of workflows keeps its runs where another one finds them, and a model is called in them.
        events: a client sends what may be delivered twice: an event with an id, or a webhook's request.
        pushed_out: a session's turn was not given what it said before, after a turn of another session.
        cuts: its code takes texts apart, and a message may have several lines.
        counts: its code may keep so many messages of a conversation, which a talk can pass.
        fallible: its code keeps something of a turn before a model has answered, or sees to a call that fails.
        overlapped, overlap_lost: turns of one session have overlapped; and one of them was lost.
    """

    settled: frozenset[str] = frozenset()
    lone: str = ""
    users: int = 0
    tabs_apart: bool = False
    keyed: bool = False
    sent_whole: bool = False
    remembers: bool | None = None
    renewed: bool = False
    unset: bool = False
    flushes: bool = False
    makes_tables: bool = False
    streams: bool = False
    by_progress: bool = False
    splits: bool = False
    forgets_late: bool = False
    leaks: bool = False
    asks: bool = False
    connects: bool = False
    threads: bool = False
    tenants: bool = False
    optional_key: bool = False
    flags: bool = False
    bounded: bool = False
    folds: bool = False
    by_text: bool = False
    hands_out: bool = False
    resumes: bool = False
    events: bool = False
    pushed_out: bool = False
    cuts: bool = False
    counts: bool = False
    fallible: bool = False
    overlapped: bool = False
    overlap_lost: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """Something known of an app for which an experiment would show nothing.

    Attributes:
        reason: why not, as it is reported; `{lone}` stands for what is known by that name.
        holds: whether it is so, by what is known so far.
    """

    reason: str
    holds: Callable[[SoFar], bool]
