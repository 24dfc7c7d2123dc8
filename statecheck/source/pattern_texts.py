"""Texts that a regular expression matches."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import SupportsLenAndGetItem

LONGEST = 10_000
"""Of a text that is made up, in characters."""
_SEEDS = 8
_T = TypeVar("_T")


def make_texts(pattern: str) -> Iterator[str]:
    """Yield texts that are made by a pattern: of its first alternatives, repeated as little as may be; then any."""
    import rstr

    for seed in range(_SEEDS):
        try:
            yield rstr.Rstr(_First() if seed < 1 else _Few(seed)).xeger(pattern)
        except Exception:  # noqa: BLE001 - a pattern of another dialect, or one without end: rstr names none
            return


class _Few(random.Random):
    """Chance that repeats little, and not without end."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._left = LONGEST

    def randint(self, a: int, b: int) -> int:
        """Return a number of repetitions."""
        chosen = self.repeat(a, b)
        self._left -= chosen + 1
        if self._left < 0:
            raise ValueError("it repeats without end")
        return chosen

    def repeat(self, least: int, most: int) -> int:
        """Return one of the few smallest numbers."""
        return super().randint(least, min(most, least + 3))


class _First(_Few):
    """No chance: the first of several, and of characters the plainest."""

    def __init__(self) -> None:
        super().__init__(0)

    def repeat(self, least: int, most: int) -> int:
        """Return the smallest number; once rather than never."""
        return least if least or not most else 1

    def choice(self, seq: SupportsLenAndGetItem[_T]) -> _T:
        """Return a letter before a digit, a digit before anything else."""
        return min((seq[n] for n in range(len(seq))), key=_plainness) if isinstance(seq[0], str) else seq[0]


def _plainness(letter: object) -> tuple[bool, bool, bool, str]:
    text = str(letter)
    return not text.islower(), not text.isalpha(), not text.isalnum() or text == "0", text
