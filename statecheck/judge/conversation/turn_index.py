"""The turns of a history, and sets of them.

A conversation may have thousands of turns, each given all before it. So a set of turns is one integer (`Turns`): such
sets are compared and joined as whole words, where lists of markers would make the work grow with their square.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from statecheck.judge.conversation.op_index import OpIndex
from statecheck.judge.conversation.sent import Sent, read_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statecheck.history import Op

Turns = int
"""A set of turns: the bit at a turn's position in `TurnIndex.turns`."""


class TurnIndex(OpIndex):
    """Finds turns by their numbers and markers, one at a time or as sets."""

    def __init__(self, ops: Sequence[Op]) -> None:
        super().__init__(ops)
        self._shared: dict[TurnIndex, int] = {}

    @cached_property
    def turns(self) -> tuple[Sent, ...]:
        """The turns, in their order."""
        return read_turns(self.select("turn"))

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The turns' numbers, ascending."""
        return tuple(turn.number for turn in self.turns)

    @cached_property
    def _marked_by(self) -> dict[str, Turns]:
        """{marker: the turns that it is the marker of}."""
        found: dict[str, Turns] = {}
        for position, turn in enumerate(self.turns):
            found[turn.marker] = found.get(turn.marker, 0) | 1 << position
        return found

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {number: position for position, number in enumerate(self.numbers)}

    def set_of(self, turns: Iterable[Sent]) -> Turns:
        """These turns as a set."""
        found = 0
        for turn in turns:
            found |= 1 << self._positions[turn.number]
        return found

    def of_markers(self, markers: Iterable[str]) -> Turns:
        """The turns that these markers belong to."""
        found = 0
        for marker in markers:
            found |= self._marked_by.get(marker, 0)
        return found

    def of_numbers(self, numbers: Iterable[int]) -> Turns:
        """The turns whose own ops carry what was sent in turns of these numbers."""
        return self.of_markers(
            marker for number in numbers for op in self.select("turn", number) for marker in op.markers
        )

    def first(self, count: int) -> Turns:
        """The set of the first so many turns, and of those that share a marker with one of them."""
        if len(self._marked_by) == len(self.turns):
            return (1 << count) - 1
        return self.of_markers(turn.marker for turn in self.turns[:count])

    def find_turn(self, number: int) -> Sent | None:
        """The turn of this number."""
        position = self._positions.get(number)
        return None if position is None else self.turns[position]

    def _count_shared(self, other: TurnIndex) -> int:
        """How many turns both have, if those have the same numbers in both; else 0."""
        if other not in self._shared:
            count = min(len(self.numbers), len(other.numbers))
            self._shared[other] = count if self.numbers[:count] == other.numbers[:count] else 0
        return self._shared[other]

    def translate(self, other: TurnIndex, turns: Turns) -> Turns:
        """The turns of this conversation that have the numbers of these of another."""
        shared = self._count_shared(other)
        if shared:
            return turns & (1 << shared) - 1
        numbers = {number for position, number in enumerate(other.numbers) if turns >> position & 1}
        return self.set_of(turn for turn in self.turns if turn.number in numbers)
