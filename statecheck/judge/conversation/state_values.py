"""Values of a Context's store that stand in for a marker: a counter, an approval, the step of a form.

Where nothing that is kept has a turn's marker, what the turn changed tells as much: a later turn that reads back the
value that this one wrote was given this turn, and all that this one was given.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statecheck.history import Op

_WRITES = ("write", "mutate")
_Run = tuple[int, str]  # a turn and a workflow run in it


class StateValues:
    """What the turns of one history did with such values.

    Args:
        ops: all on Contexts' stores, in order.
        of_numbers: the set of turns (`Conversation.of_numbers`) that these numbers are.
    """

    def __init__(self, ops: Iterable[Op], of_numbers: Callable[[Iterable[int]], int]) -> None:
        self._ops: dict[int, list[Op]] = {}
        for op in ops:
            self._ops.setdefault(op.turn, []).append(op)
        self._of_numbers = of_numbers
        self._changed: dict[int, list[Op]] = {}

    @cached_property
    def _first_use(self) -> dict[_Run, dict[str, tuple[int, Op]]]:
        """For each run, by each value's name, the op that used it first, with its place; "" is all values at once."""
        found: dict[_Run, dict[str, tuple[int, Op]]] = {}
        for ops in self._ops.values():
            for place, op in enumerate(ops):
                uses = found.setdefault((op.turn, op.run), {})
                uses.setdefault(op.name, (place, op))
        return found

    @cached_property
    def _first_of_run(self) -> dict[_Run, Op]:
        found: dict[_Run, Op] = {}
        for ops in self._ops.values():
            for op in ops:
                found.setdefault((op.turn, op.run), op)
        return found

    def is_scratch(self, op: Op) -> bool:
        """Whether an op is on a Context's value that its run sets before it reads it, or is the library's own.

        Such a value is used within one run: it makes no conversation.
        """
        if op.f != "ctx-store":
            return False
        if op.by_library:
            return True
        run = op.turn, op.run
        if not op.name:
            return self._first_of_run[run].action != "read"
        uses = [use for use in (self._first_use[run].get(op.name), self._first_use[run].get("")) if use is not None]
        return min(uses, key=lambda use: use[0])[1].action != "read"

    def changed(self, turn: int) -> list[Op]:
        """Writes of a turn to values that its run had read before, with another content than it read.

        A value that a run writes more than once, or reads again at the same line, is one that it works with: nothing
        says that the next run should have it.
        """
        if turn not in self._changed:
            self._changed[turn] = self._read_changed(turn)
        return self._changed[turn]

    def _read_changed(self, turn: int) -> list[Op]:
        own = self._own(turn)
        values: dict[tuple[str, str], list[Op]] = {}
        for op in own:
            values.setdefault((op.run, op.name), []).append(op)
        found: dict[tuple[str, str], Op] = {}
        for value, ops in values.items():
            writes = [op for op in ops if op.action in _WRITES]
            read = next((op for op in ops if op.action == "read"), None)
            if read is None or len(writes) != 1 or read.time >= writes[0].time or read.text == writes[0].text:
                continue
            if not _is_read_again(ops, read, writes[0]):
                found[value] = writes[0]
        return [op for op in own if found.get((op.run, op.name)) is op]

    def read_back(self, turn: int) -> int:
        """The set of the turns that a turn was given by the values that it read back.

        With them go those before it that changed none.
        """
        found = self._sources.get(turn, 0)
        return found and found | self._idle_before(turn)

    @cached_property
    def _sources(self) -> dict[int, int]:
        """{turn: the set of turns whose values it read back, directly or by way of others}."""
        numbers = sorted(turn for turn in self._ops if turn)
        closed: dict[int, int] = {}
        for number in numbers:
            waiting, met = [number], set[int]()
            closure = 0
            while waiting:
                for writer in {*self._writers(waiting.pop())} - met:
                    met.add(writer)
                    closure |= self._of_numbers((writer,)) | closed.get(writer, 0)
                    if writer not in closed:  # else all that it was given is known: a chain is followed once
                        waiting.append(writer)
            closed[number] = closure
        return closed

    @cached_property
    def _written(self) -> dict[tuple[str, str], list[tuple[int, int]]]:
        """{(a value's name, its content): when it was left so, and by which turn}."""
        found: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for number in self._ops:
            for op in self.changed(number) if number else ():
                found.setdefault((op.name, op.text), []).append((op.time, op.turn))
        for moments in found.values():
            moments.sort()
        return found

    def _writers(self, turn: int) -> list[int]:
        """The other turns that last left a value as this one read it, before it wrote it itself."""
        found, own = [], set()
        for op in self._own(turn):
            if op.action in _WRITES:
                own.add((op.run, op.name))
            elif op.action == "read" and (op.run, op.name) not in own:
                moments = self._written.get((op.name, op.text), [])
                at = bisect_left(moments, (op.time, 0)) - 1
                while at >= 0 and moments[at][1] == turn:
                    at -= 1
                if at >= 0:
                    found.append(moments[at][1])
        return found

    def _idle_before(self, turn: int) -> int:
        """The set of the turns before this one that used Contexts' values and changed none."""
        numbers, sets = self._idle
        at = bisect_left(numbers, turn)
        return sets[at]

    @cached_property
    def _idle(self) -> tuple[list[int], list[int]]:
        """The numbers of such turns, ascending; and the sets of the first none, one, two … of them."""
        numbers = sorted(turn for turn in self._ops if turn and not self.changed(turn))
        sets = [0]
        for number in numbers:
            sets.append(sets[-1] | self._of_numbers((number,)))
        return numbers, sets

    def _own(self, turn: int) -> list[Op]:
        """What the app's own code did with Context values in a turn, as far as their content was seen."""
        return [op for op in self._ops.get(turn, ()) if not op.by_library and op.type == "ok" and op.text]


def _is_read_again(ops: list[Op], read: Op, written: Op) -> bool:
    """Whether a run comes back to a value after it wrote it, at the line where it first read it: a loop."""
    again = (op for op in ops if op.action == "read" and op.time > written.time and op.frames)
    return any(op.frames[0] == read.frames[0] for op in again if read.frames)
