"""How far a conversation has come, read off its answers: `step 2 of 3`, `your third request`.

Where an app keeps state but calls no model and shows no marker, its answers take their place. The answers of one
session in one process, one after the other, are the scale: `visit 1`, `visit 2`, `visit 3`. An answer that reads as the
first one does, where the second is due, shows that turn 1 is forgotten. An answer that is on no scale says nothing.

What varies by itself (a time, a process's number, an id, a counter that all sessions share) must not count. All first
answers of all sessions of a run are alike but for that, so where they differ is where nothing is compared.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(r"[^\s\"'{}\[\](),<>]+")
_OURS = re.compile(r"sc-m[0-9a-f]{8}|sc-?[0-9a-f]{12}|SC[A-Z]{10}")
"""Markers and keys, but for UUIDs and numbers, which may be the app's."""

Tokens = tuple[str, ...]


class Scale:
    """The answers of one session, one turn after the other.

    Args:
        steps: the answers, from the first turn's.
        compared: the positions at which all first answers agree.
    """

    def __init__(self, steps: Sequence[Tokens], compared: frozenset[int]) -> None:
        self._steps = steps
        self._compared = sorted(compared)

    @cached_property
    def _numbers(self) -> dict[Tokens, list[int]]:
        """{what is compared of an answer: the turns, from 1, that were answered so}."""
        found: dict[Tokens, list[int]] = {}
        for number, step in enumerate(self._steps, 1):
            found.setdefault(self._of(step), []).append(number)
        return found

    def _of(self, answer: Tokens) -> Tokens:
        return str(len(answer)), *(answer[at] for at in self._compared if at < len(answer))

    def reached(self, answer: Tokens) -> list[int]:
        """The turns, from 1, that were answered so."""
        return self._numbers.get(self._of(answer), [])


def split_words(answer: str, key: str | None) -> Tokens:
    """An answer in words, without the signs between them; markers and session keys are alike for all."""
    return tuple(_TOKEN.findall(_OURS.sub("key", answer.replace(key, "key") if key else answer)))
