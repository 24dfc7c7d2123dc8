"""Values of a Context's store that stand in for a marker: a counter, an approval, the step of a form.

Where nothing that is kept has a turn's marker, what the turn changed tells as much: a later turn that reads back the
value that this one wrote was given this turn, and all that this one was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.history import History, Op


_WRITES = ("write", "mutate")


def changed(history: History, turn: int) -> list[Op]:
    """Writes of a turn to values that its run had read before, with another content than it read.

    A value that a run writes more than once, or reads again at the same line, is one that it works with: nothing says
    that the next run should have it.
    """
    ops = _own(history, turn)
    found = []
    for op in ops:
        same = [other for other in ops if other.name == op.name and other.run == op.run]
        before = [other for other in same if other.action == "read" and other.time < op.time]
        if op.action in _WRITES and before and before[0].text != op.text and not _is_worked_with(same, before[0], op):
            found.append(op)
    return found


def _is_worked_with(same: list[Op], read: Op, written: Op) -> bool:
    """Whether a run that read a value and wrote it comes back to it: a number of tries, a list that grows in a loop."""
    again = [op for op in same if op.action == "read" and op.time > written.time and op.frames]
    looped = any(op.frames[0] == read.frames[0] for op in again if read.frames)
    return looped or sum(op.action in _WRITES for op in same) > 1


def read_back(history: History, turn: int) -> set[int]:
    """The turns that a turn was given by the values that it read back, and those before it that changed none."""
    turns = {op.turn for op in history.select("ctx-store") if op.turn}
    written = sorted((op for number in turns for op in changed(history, number)), key=lambda op: -op.time)
    waiting, found = [turn], set[int]()
    while waiting:
        for read in _first_reads(history, waiting.pop()):
            writer = _writer(written, read)
            if writer and writer not in found:
                found.add(writer)
                waiting.append(writer)
    idle = turns - {op.turn for op in written}
    return found | {number for number in idle if found and number < turn}


def _first_reads(history: History, turn: int) -> list[Op]:
    """What a turn read of Context values before it wrote them itself."""
    found, own = [], set()
    for op in _own(history, turn):
        if op.action in _WRITES:
            own.add((op.run, op.name))
        elif op.action == "read" and (op.run, op.name) not in own:
            found.append(op)
    return found


def _writer(written: list[Op], read: Op) -> int:
    """The other turn that last left a value as it was read, or 0."""
    before = (op for op in written if op.time < read.time and op.turn != read.turn and op.name == read.name)
    return next((op.turn for op in before if op.text == read.text), 0)


def _own(history: History, turn: int) -> list[Op]:
    """What the app's own code did with Context values in a turn, as far as their content was seen."""
    ops = history.select("ctx-store", turn)
    return [op for op in ops if not op.by_library and op.type == "ok" and op.text]
