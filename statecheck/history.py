"""Ops and histories, and their JSON-lines codec: the only input of the checks.

The idea of recording first and judging later is Jepsen's (https://github.com/jepsen-io/jepsen): an op is
`ok` (acknowledged), `fail` (refused) or `info` (indeterminate), and what is indeterminate is never called lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from statecheck.probe.ops import ACTIONS, KINDS, TYPES, OpAction, OpKind, OpType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

LineRole = Literal["defined", "written", "read"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of user code on the stack of an op, innermost first in `Op.frames`."""

    path: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of user code that was found by reading the code, not on a stack, and what it does to an op's place."""

    path: str
    line: int
    role: LineRole


@dataclass(frozen=True, slots=True)
class Op:
    """One entry of a history.

    Attributes:
        time: monotonic nanoseconds (CLOCK_MONOTONIC, the same for all processes of a machine).
        type: invoke, ok, fail or info.
        f: its kind, what was done; Jepsen calls it so. `statecheck.probe.ops` declares them all.
        pid, generation: the worker; generation 0 is the driver.
        turn: ordinal of the turn (1-based) that caused it, or 0.
        action: how it was done, where a kind has several ways; declared there too.
        cls, obj, parent: class of the state object, its number in this process (0: none), and the number of
            the object that it is a view over or that holds it (0: none).
        key: the key under which the app looked (driver: the session key that was sent), or None.
        markers: the markers found in what was written or read, in order, without repeats.
        text: what was written, read, sent, answered or run, cut to a few thousand characters.
        frames: the user's code that did it, innermost first; may be empty.
        lines: where the user's code defines what a place or a refused signature is about, and where it uses that.
        name: of a value in a Context's store or in a session.
        where: a place outside of the object itself: a holder's path in memory, a file, an address, a database's URL.
        database: of a statement: `sqlite` or `postgres`.
        around: of what was sent: the words before each marker, which tell who says it.
        run: the workflow run's id, or "".
        method: of the library or the app, where its name says more than the action.
        tool: the agent's tool that was called, or in which this was done, or "".
        service: the kind of a throwaway server that ended.
        distribution: what a library's class comes from, with its version, where it was made, or failed at what it was
            asked to do; "" for a class of the app's.
        arguments: of a run or a constructor: the names of those that could carry a conversation; of a statement: its
            parameters that may be keys, as texts.
        roles: of what a model was given: `u` for each message of the user's, `a` for each of the assistant's.
        messages: and each of them, the last two hundred: a letter for who speaks, with a checksum of what is said
            (`statecheck.probe.model_input`).
        status: of an answer: the HTTP status, 200 for a call that returned; 0 if nothing came back.
        answers: of a turn that answers what the app asked a person: the turn in which it did; 0 for any other.
        held: the greatest number of turns that were held at once.
        tabs: of an overlap: each of its turns came from a tab of its own, as did the one that reads.
        error: what was raised, or why nothing came back.
        by_library: no code of the user's is on the stack; `frames` are those of the call that a library works for.
        running: of a snapshot: the run had not ended.
        is_text: of a place: the text itself was seen there, not only an object that was given it.
        on_volume: of a file: it outlives the container's disk.
        carried: of a turn that is sent: the client's browser sends what it keeps of earlier ones along.
        streamed: of an answer: it came piece by piece.
        ignored: of an answer: cookies that it set and no browser keeps, for they are too long; each with its size.
        note: anything else, for people. Nothing is judged by it.
    """

    time: int
    type: OpType
    f: OpKind
    pid: int = 0
    generation: int = 0
    turn: int = 0
    action: OpAction = ""
    cls: str = ""
    obj: int = 0
    parent: int = 0
    key: str | None = None
    markers: tuple[str, ...] = ()
    text: str = ""
    frames: tuple[Frame, ...] = ()
    lines: tuple[Line, ...] = ()
    name: str = ""
    where: str = ""
    database: str = ""
    around: str = ""
    run: str = ""
    method: str = ""
    tool: str = ""
    service: str = ""
    distribution: str = ""
    arguments: tuple[str, ...] = ()
    roles: str = ""
    messages: tuple[str, ...] = ()
    status: int = 0
    answers: int = 0
    held: int = 0
    tabs: bool = False
    error: str = ""
    by_library: bool = False
    running: bool = False
    is_text: bool = False
    on_volume: bool = False
    carried: bool = False
    streamed: bool = False
    ignored: tuple[str, ...] = ()
    note: str = ""


_DEFAULTS = {field.name: field.default for field in fields(Op) if field.name not in ("time", "type", "f")}
_ROLES = frozenset(get_args(LineRole))


def encode(op: Op) -> str:
    """One op as one line of JSON without its newline; fields that have their default are left out."""
    record: dict[str, object] = {"time": op.time, "type": op.type, "f": op.f}
    for name, default in _DEFAULTS.items():
        value = getattr(op, name)
        if value != default:
            record[name] = value
    if op.frames:
        record["frames"] = [[frame.path, frame.line, frame.function] for frame in op.frames]
    if op.lines:
        record["lines"] = [[line.path, line.line, line.role] for line in op.lines]
    return json.dumps(record, ensure_ascii=False)


def _plain(*types: type) -> Callable[[Any], Any]:
    """What reads a value of exactly one of these types: True is no integer."""

    def read(value: Any) -> Any:
        if type(value) not in types:
            raise TypeError(f"{value!r} is no {types[0].__name__}")
        return value

    return read


_integer, _text = _plain(int), _plain(str)


def _word(known: frozenset[str]) -> Callable[[Any], Any]:
    """What reads one of a closed set of words."""

    def read(value: Any) -> Any:
        if _text(value) not in known:
            raise ValueError(f"`{value}` is unknown")
        return value

    return read


def _list_of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    listed = _plain(list)
    return lambda value: tuple(map(read, listed(value)))


@lru_cache(4096, typed=True)  # a run is served by few lines of code, again and again; True is none of them
def _frame(path: Any, line: Any, function: Any) -> Frame:
    return Frame(_text(path), _integer(line), _text(function))


@lru_cache(4096, typed=True)
def _line(path: Any, line: Any, role: Any) -> Line:
    return Line(_text(path), _integer(line), _role(role))


_role = _word(_ROLES)
_BY_TYPE: dict[str, Callable[[Any], Any]] = {
    "int": _integer,
    "str": _text,
    "str | None": _plain(str, type(None)),
    "bool": _plain(bool),
    "OpType": _word(TYPES),
    "OpKind": _word(KINDS),
    "OpAction": _word(ACTIONS),
    "tuple[str, ...]": _list_of(_text),
    "tuple[Frame, ...]": _list_of(lambda value: _frame(*value)),
    "tuple[Line, ...]": _list_of(lambda value: _line(*value)),
}
_READERS = {field.name: _BY_TYPE[str(field.type)] for field in fields(Op)}


def decode(line: str | bytes) -> Op:
    """The op that a line holds.

    Raises:
        ValueError: the line is not an op: a field, a kind or an action is unknown or missing, or of another type.
    """
    try:
        return Op(**{name: _READERS[name](value) for name, value in json.loads(line).items()})
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not an op: {error}") from error


def decode_lines(data: bytes) -> list[Op]:
    """All ops of a file, in its order. A last line without newline was cut by a kill and is dropped."""
    return [decode(line) for line in data.split(b"\n")[:-1] if line]


@dataclass(frozen=True, slots=True)
class History:
    """The ops of one experiment, merged by the monotonic clock."""

    experiment: str
    ops: tuple[Op, ...]

    @classmethod
    def merge(cls, experiment: str, files: Iterable[Iterable[Op]]) -> History:
        """Merge the driver's ops and those of every worker generation by time."""
        return cls(experiment, tuple(sorted((op for ops in files for op in ops), key=lambda op: op.time)))

    def select(self, f: OpKind | None = None, turn: int | None = None, action: OpAction | None = None) -> Iterator[Op]:
        """The ops with this `f`, of this turn, with this action; None means any."""
        for op in self.ops:
            if (
                (f is None or op.f == f)
                and (turn is None or op.turn == turn)
                and (action is None or op.action == action)
            ):
                yield op


def with_ordinals(ops: Iterable[Op], begun: Mapping[int, Sequence[tuple[int, int]]]) -> list[Op]:
    """A worker's ops with the driver's ordinals in place of the tokens by which the worker knows its turns.

    Args:
        ops: what the worker recorded.
        begun: for each token when which turn began, in order: several turns may be sent on one connection.
    """

    def ordinal(op: Op) -> int:
        turns = begun.get(op.turn, ())
        return next((turn for time, turn in reversed(turns) if time <= op.time), turns[0][1] if turns else 0)

    return [replace(op, turn=ordinal(op)) if op.turn else op for op in ops]
