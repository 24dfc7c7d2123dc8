"""Where a turn's marker was seen while an experiment goes on, so that memory is searched only where that tells more."""

from __future__ import annotations

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
