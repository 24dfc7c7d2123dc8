"""Where the markers of an experiment were seen: whose words a relay passed on, and what a search of memory may add."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statecheck.history import Op


def is_given(ops: Sequence[Op], marker: str) -> bool:
    """Return whether the last turn that a worker's ops tell of had this marker."""
    last = max((op.turn for op in ops), default=0)
    return any(op.turn == last and marker in op.markers for op in ops)


def is_stored(ops: Iterable[Op], marker: str) -> bool:
    """Return whether a file or a service was seen to take this marker."""
    return any(op.f in ("disk", "wire") and marker in op.markers for op in ops)


def find_relayed(passed: Iterable[Op], driver: Iterable[Op], sent: Sequence[str], *, alone: bool) -> list[Op]:
    """Return what was said to services in one experiment, each op with its turn and worker.

    Args:
        passed: all that went through relays. Markers tell whose it was, times tell in which turn.
        driver: what the driver recorded of the experiment.
        sent: the markers of its turns.
        alone: no other experiment ran beside it: else what has no marker cannot be told apart.
    """
    spans = [op for op in driver if op.f == "turn"]
    found = []
    for op in passed:
        turn = next((span for span in reversed(spans) if span.time <= op.time), None)
        if (alone and turn is not None) or any(marker in op.markers for marker in sent):
            of = turn or op
            found.append(replace(op, turn=of.turn, pid=of.pid, generation=of.generation))
    return found
