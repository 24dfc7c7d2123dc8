"""The nearest known word to one that was mistyped. Imports nothing of the package but its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None."""
    from difflib import get_close_matches

    spelt = {word.lower(): word for word in known}
    close = get_close_matches(word.lower(), [*spelt], n=1, cutoff=0.5)
    return spelt[close[0]] if close else None


def unknown(slug: str, what: str, word: str, known: Iterable[str], otherwise: str) -> StatecheckError:
    """Return the error for a word that is none of the known ones: the hint names the nearest, or says `otherwise`."""
    meant = nearest(word, known)
    return StatecheckError(slug, f"unknown {what} `{word}`", f"did you mean `{meant}`?" if meant else otherwise)
