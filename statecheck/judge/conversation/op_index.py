"""The ops of a history by kind, turn, action, marker and object, so that no question goes through all of them."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.history import Op
    from statecheck.probe.ops import OpAction, OpKind

Thing = tuple[int, int]
"""A state object: its worker's generation, or PID, and its number there."""


class OpIndex:
    """Finds ops by what they say, in the order of the history. Each table is made when it is first asked for."""

    def __init__(self, ops: Sequence[Op]) -> None:
        self.ops = ops

    @cached_property
    def _tables(
        self,
    ) -> tuple[dict[OpKind, list[Op]], dict[int, list[Op]], dict[tuple[OpKind, int], list[Op]]]:
        kinds: defaultdict[OpKind, list[Op]] = defaultdict(list)
        turns: defaultdict[int, list[Op]] = defaultdict(list)
        both: defaultdict[tuple[OpKind, int], list[Op]] = defaultdict(list)
        for op in self.ops:
            kinds[op.f].append(op)
            turns[op.turn].append(op)
            both[op.f, op.turn].append(op)
        return dict(kinds), dict(turns), dict(both)

    def select(self, f: OpKind | None = None, turn: int | None = None, action: OpAction | None = None) -> Iterator[Op]:
        """The ops of this kind, of this turn, with this action; None means any."""
        kinds, turns, both = self._tables
        found: Sequence[Op]
        if f is None:
            found = self.ops if turn is None else turns.get(turn, ())
        else:
            found = kinds.get(f, ()) if turn is None else both.get((f, turn), ())
        return iter(found) if action is None else (op for op in found if op.action == action)

    @cached_property
    def _marked(self) -> dict[tuple[OpKind, str], list[Op]]:
        marked: defaultdict[tuple[OpKind, str], list[Op]] = defaultdict(list)
        for op in self.ops:
            for marker in dict.fromkeys(op.markers):
                marked[op.f, marker].append(op)
        return dict(marked)

    def with_marker(self, f: OpKind, marker: str) -> Sequence[Op]:
        """The ops of this kind that have a marker."""
        return self._marked.get((f, marker), ())

    @cached_property
    def _builds(self) -> dict[Thing, list[Op]]:
        found: defaultdict[Thing, list[Op]] = defaultdict(list)
        for op in self.ops:
            if op.action == "build":
                found[op.pid, op.obj].append(op)
        return dict(found)

    def builds_of(self, pid: int, obj: int) -> Sequence[Op]:
        """The constructions of an object of this process."""
        return self._builds.get((pid, obj), ())

    @cached_property
    def _firsts(self) -> dict[Thing, Op]:
        found: dict[Thing, Op] = {}
        for op in self.ops:
            found.setdefault((op.generation, op.obj), op)
        return found

    def first_of(self, op: Op) -> Op:
        """The first op on the object of an op."""
        return self._firsts[op.generation, op.obj]

    @cached_property
    def gone(self) -> frozenset[Thing]:
        """The objects, by generation and number, that were collected."""
        return frozenset((op.generation, op.obj) for op in self.select("gone"))

    @cached_property
    def _files(self) -> dict[str, list[Op]]:
        found: defaultdict[str, list[Op]] = defaultdict(list)
        for op in self.select("file"):
            found[op.where].append(op)
        return dict(found)

    @cached_property
    def first_statement(self) -> Op | None:
        """The first statement of the user's code that put a marker into a database."""
        return next((op for op in self.select("sql", action="write") if op.frames), None)

    def on_file(self, path: str) -> Sequence[Op]:
        """What was done with a file."""
        return self._files.get(path, ())
