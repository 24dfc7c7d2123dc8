"""Exit codes, and the one error that a user may see: a line that says what is wrong and a hint.

Imports nothing of the package, so that every layer may raise.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """Process exit codes; public, and ordered by precedence in `design`: 3, 2, 1, 4, 5."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INTERNAL = 3
    INCONCLUSIVE = 4
    NOTHING = 5
    INTERRUPTED = 130


class StatecheckError(Exception):
    """Something that a user can mend, with a stable name for it.

    Args:
        slug: kebab-case name of the error, stable across versions (`missing-file`).
        text: one line, no full stop, literals in backticks.
        hint: one line that says what to do.
        exit_code: what the process ends with if this error ends it.
        detail: the target's own last lines, or "" (shown below the error, never needed).
    """

    def __init__(self, slug: str, text: str, hint: str, exit_code: ExitCode = ExitCode.USAGE, detail: str = "") -> None:
        super().__init__(text)
        self.slug = slug
        self.text = text
        self.hint = hint
        self.exit_code = exit_code
        self.detail = detail


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
