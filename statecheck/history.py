"""Ops and histories, and their JSON-lines codec: the only input of the checks.

The idea of recording first and judging later is Jepsen's (https://github.com/jepsen-io/jepsen): an op is
`ok` (acknowledged), `fail` (refused) or `info` (indeterminate), and what is indeterminate is never called lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OpType = Literal["invoke", "ok", "fail", "info"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of user code on the stack of an op, innermost first in `Op.frames`."""

    path: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Op:
    """One entry of a history.

    Attributes:
        time: monotonic nanoseconds (CLOCK_MONOTONIC, the same for all processes of a machine).
        type: invoke, ok, fail or info.
        f: what was done: `turn` (the driver's own), `model` (a model call), `memory`, `chat-store`,
            `ctx-store`, `context`, `engine`, `run`, `workflow`, `asks` and `answers` (what a run asks of a person, and
            is answered), `file`, `wire`, `gone`, `place`, `warning`, `blocked`,
            `tool` (an agent's, called), `effect` (a program run, a file removed), `substituted` (a stand-in answered),
            `session`, `cache` (the web framework's), `signature` (one that was refused),
            `ended` (a child that took turns for its parent),
            `warm-up` (a turn of a throw-away session), `progress` (added when a history is judged).
        pid, generation: the worker; generation 0 is the driver.
        turn: ordinal of the turn (1-based) that caused it, or 0.
        action: `read`, `write`, or the method's own name where it is neither; of a file on a disk `volume` if it
            outlives that; of a turn that is sent `carried` if the client's browser sends what it keeps of earlier
            ones along.
        cls, obj, parent: class of the state object, its number in this process (0: none), and the number of
            the object that it is a view over or that holds it (0: none).
        key: the key under which the app looked (driver: the session key that was sent), or None.
        markers: the markers found in what was written or read, in order, without repeats.
        text: what was written, read, sent or answered, cut to a few thousand characters.
        frames: the user's code that did it, innermost first; may be empty.
        where: a place in words: a holder's path, a file, an address.
        run: the workflow run's id, or "".
        note: anything else, for people.
    """

    time: int
    type: OpType
    f: str
    pid: int = 0
    generation: int = 0
    turn: int = 0
    action: str = ""
    cls: str = ""
    obj: int = 0
    parent: int = 0
    key: str | None = None
    markers: tuple[str, ...] = ()
    text: str = ""
    frames: tuple[Frame, ...] = ()
    where: str = ""
    run: str = ""
    note: str = ""


_DEFAULTS = {field.name: field.default for field in fields(Op) if field.name not in ("time", "type", "f")}


def encode(op: Op) -> str:
    """One op as one line of JSON without its newline; fields that have their default are left out."""
    record: dict[str, object] = {"time": op.time, "type": op.type, "f": op.f}
    for name, default in _DEFAULTS.items():
        value = getattr(op, name)
        if value != default:
            record[name] = [[f.path, f.line, f.function] for f in value] if name == "frames" else value
    return json.dumps(record, ensure_ascii=False)


def decode(line: str | bytes) -> Op:
    """The op that a line holds.

    Raises:
        ValueError: the line is not an op.
    """
    try:
        record = json.loads(line)
        known = {name: record[name] for name in _DEFAULTS if name in record}
        if "markers" in known:
            known["markers"] = tuple(known["markers"])
        if "frames" in known:
            known["frames"] = tuple(Frame(*frame) for frame in known["frames"])
        return Op(record["time"], record["type"], record["f"], **known)
    except (KeyError, TypeError, AttributeError) as error:
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

    def select(self, f: str | None = None, turn: int | None = None, action: str | None = None) -> Iterator[Op]:
        """The ops with this `f`, of this turn, with this action; None means any."""
        for op in self.ops:
            if (
                (f is None or op.f == f)
                and (turn is None or op.turn == turn)
                and (action is None or op.action == action)
            ):
                yield op


def with_ordinals(ops: Iterable[Op], ordinals: dict[int, int]) -> list[Op]:
    """A worker's ops with the driver's ordinals in place of the tokens by which the worker knows its turns."""
    return [replace(op, turn=ordinals.get(op.turn, 0)) if op.turn else op for op in ops]
