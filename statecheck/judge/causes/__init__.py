"""The causes of state loss, one file each. A new one is a file here with its `CAUSE`, and a line in `_FILES`.

One that asks about several things is a folder: its text and its `CAUSE` in `__init__.py`, a module for each thing that
is asked, and its examples in `examples.py`.
"""

from __future__ import annotations

from importlib import import_module

from statecheck.errors import unknown
from statecheck.judge.cause import Cause

_FILES = (
    "request_scoped",
    "multi_worker",
    "container_restart",
    "unsaved_ctx",
    "async_race",
    "session_key",
    "broken_store",
)

CAUSES: tuple[Cause, ...] = tuple(import_module(f"{__name__}.{file}").CAUSE for file in _FILES)
"""In the order of their codes."""

__all__ = ["CAUSES", "Cause", "find_cause", "look_up_cause"]


def look_up_cause(word: str) -> Cause | None:
    """Return the cause with this code or name, in any case, or None."""
    wanted = word.strip().lower().replace("_", "-")
    return next((cause for cause in CAUSES if wanted in (cause.code.lower(), cause.name)), None)


def find_cause(word: str) -> Cause:
    """Return the cause with this code or name, in any case.

    Raises:
        StatecheckError: there is none; the hint names the nearest.
    """
    cause = look_up_cause(word)
    if cause is not None:
        return cause
    known = [spelling for cause in CAUSES for spelling in (cause.name, cause.code)]
    raise unknown("unknown-cause", "cause", word, known, "statecheck explain lists them")
