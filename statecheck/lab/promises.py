"""Answers that say that the work is still to be done: the turn ends when that has ended, not with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACCEPTED = 202
_STATES = as_set("status state phase")
_UNDONE = as_set(
    "accepted created enqueued in_progress pending processing queued received running scheduled started submitted"
)
_DEEPEST = 3


def promises_more(status: int, text: str) -> bool:
    """Whether an answer says that work goes on: by its status, or as `{"job": {"state": "queued"}}` does."""
    if status == _ACCEPTED:
        return True
    if not text.lstrip().startswith("{"):
        return False
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return any(said.lower().replace("-", "_") in _UNDONE for said in _find_states(answer, _DEEPEST))


def _find_states(value: object, deep: int) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) and deep else ():
        if isinstance(inner, str) and name.lower() in _STATES:
            yield inner
        yield from _find_states(inner, deep - 1)
