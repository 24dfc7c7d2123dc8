"""The causes of state loss, one file each, in the order of their codes; `judging.py` says when each is asked."""

from __future__ import annotations

from statecheck.errors import unknown
from statecheck.judge.cause import Cause
from statecheck.judge.causes import (
    async_race,
    broken_store,
    container_restart,
    multi_worker,
    request_scoped,
    session_key,
    unsaved_ctx,
)

CAUSES: tuple[Cause, ...] = (
    request_scoped.CAUSE,
    multi_worker.CAUSE,
    container_restart.CAUSE,
    unsaved_ctx.CAUSE,
    async_race.CAUSE,
    session_key.CAUSE,
    broken_store.CAUSE,
)

__all__ = ["CAUSES", "Cause", "find"]


def find(word: str) -> Cause:
    """Return the cause with this code or name, in any case.

    Raises:
        StatecheckError: there is none; the hint names the nearest.
    """
    wanted = word.strip().lower().replace("_", "-")
    for cause in CAUSES:
        if wanted in (cause.code.lower(), cause.name):
            return cause
    known = [spelling for cause in CAUSES for spelling in (cause.name, cause.code)]
    raise unknown("unknown-cause", "cause", word, known, "statecheck explain lists them")
