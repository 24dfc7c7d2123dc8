"""The words of an op: its types, kinds, actions and fields, each declared once, for those who write and who read them.

They are `Literal`s: mypy checks every writer and every comparison, and the recorder, which is hot, handles plain
strings. At run time the codec (`statecheck.history`) refuses what is not among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

OpType = Literal["invoke", "ok", "fail", "info"]
"""`invoke` is a beginning; `ok` was acknowledged, `fail` refused; `info` is indeterminate, or a mark."""

DriverKind = Literal[
    "turn",  # a turn of the conversation: sent (`invoke`), and ended
    "warm-up",  # a turn of a throw-away session
    "overlap",  # turns are sent at once, from this one on
    "once-more",  # a turn asks again what the one before it asked
    "shared",  # a function of the user's assigns what outlives its call
    "start-reset",  # the deployment empties a table before each start of the server
    "capacity",  # the user's code lets so many sessions be kept
    "window",  # and so many messages of one
    "lifetime",  # and for so many seconds; or a time without a time zone is kept, by which a database lets rows expire
    "folding",  # the user's code may make two keys one
    "text-key",  # it goes by the text of a message
    "unfilled",  # it asks a container into which nothing is put
    "copied",  # it puts something back into what each request has anew
    "guarded",  # it saves under a condition
    "retry",  # it sees to a call that fails: it tries again, or catches that
    "shortcut",  # it answers with what it finds, in place of a model
    "dropped",  # it puts an answer into a list, and leaves it at that
    "left",  # the client of a turn went away
    "kill",  # a worker was killed
    "incomplete",  # a worker could not record all that happened
    "place",  # memory was searched, and what was looked for is here
    "disk",  # files were searched likewise
]
WorkerKind = Literal[
    "model",  # a model was called
    "outage",  # its call was made to fail
    "memory",
    "block",  # of a memory
    "chat-store",
    "defect",  # a library's store did something else than it was asked to
    "ctx-store",  # the values of a workflow's Context
    "context",  # that Context as a whole
    "engine",  # a chat engine
    "run",  # of a workflow or an agent
    "workflow",  # was built
    "server",  # of workflows was built, which keeps its runs where another one finds them
    "asks",  # something of a person
    "answers",  # what a person answered
    "tool",  # of an agent was called
    "session",  # of the web framework
    "cache",  # of the web framework
    "signature",  # of a cookie or a stored session was refused
    "signed",  # a token, in place of one that another service would issue
    "file",
    "sql",  # a statement that Python code sent
    "wire",  # bytes that went to a service or came from it
    "service",  # a throwaway server ended
    "effect",  # a program was run, a file removed
    "blocked",  # an address was asked for that is beyond loopback
    "escaped",  # a write went around the copy of the project
    "substituted",  # a stand-in answered
    "warning",  # by which LlamaIndex says that it drops state
    "error",  # a turn's call raised an exception
    "unseen",  # a call was made on an object that could not be looked at
    "gone",  # a state object was collected
    "ended",  # a child process that took turns for its parent
    "host",  # what the worker's is called, what time it is there in UTC, and how far its own is from that
]
OpKind = Literal[DriverKind, WorkerKind]

OpAction = Literal[
    "",  # the kind says it all
    "read",
    "miss",  # a file was looked for and is not there
    "write",
    "overwrite",  # what was there is replaced
    "mutate",  # a value was changed in place and never set again
    "unawaited",  # a write was asked for and never awaited
    "build",  # the object was constructed
    "load",  # it was made from what was saved
    "to_dict",  # a snapshot of it was made
    "persist",  # it was saved to a file
    "reset",  # it was emptied
    "archive",  # what is old was put aside
    "call",
    "send",  # a command or statement that holds no marker
    "database",  # a file was opened as one
    "run",  # a program
    "delete",
    "rename",
]

TYPES: frozenset[str] = frozenset(get_args(OpType))
KINDS: frozenset[str] = frozenset(get_args(OpKind))
ACTIONS: frozenset[str] = frozenset(get_args(OpAction))

Frames = tuple[tuple[str, int, str], ...]
"""(relative path, line, function) of the user's code, innermost first."""


class Fields(TypedDict, total=False):
    """The fields of an op that a worker records beside its time, type, kind, PID and turn, as they go into a line.

    `statecheck.history.Op` says what each means.
    """

    action: OpAction
    cls: str
    obj: int
    parent: int
    key: str
    markers: Iterable[str]
    text: str
    frames: Frames
    name: str
    where: str
    database: str
    around: str
    run: str
    method: str
    tool: str
    service: str
    distribution: str
    arguments: tuple[str, ...]
    by_library: bool
    running: bool
    roles: str
    messages: tuple[str, ...]
    error: str
    note: str


MOST_RECORDED = 8 << 20
"""Bytes that one process records: twenty thousand ops or more. What an app does without end is recorded until then."""
