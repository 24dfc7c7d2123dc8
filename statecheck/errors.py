"""Exit codes, and the one error that a user may see: a line that says what is wrong and a hint.

Imports nothing of the package, so that every layer may raise.
"""

from __future__ import annotations

import errno
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


_MOST_NAME = 80
_REFUSED: dict[int | None, tuple[str, str, str, ExitCode]] = {
    errno.ENAMETOOLONG: (
        "name-too-long",
        "{} is too long for the name of a file",
        "name a shorter one",
        ExitCode.USAGE,
    ),
    errno.ELOOP: ("link-loop", "{} is a link that leads back to itself", "name what it should lead to", ExitCode.USAGE),
    errno.EACCES: ("not-permitted", "{} may not be read or written", "change its permissions", ExitCode.USAGE),
    errno.EFBIG: (
        "file-limit",
        "{} would become larger than this process may write",
        "raise the limit, with `ulimit -f unlimited`",
        ExitCode.INTERNAL,
    ),
    errno.EMFILE: (
        "open-files",
        "this process may not open any more files",
        "raise the limit, with `ulimit -n 4096`",
        ExitCode.INTERNAL,
    ),
    errno.EAGAIN: (
        "no-process",
        "no more processes or threads can be started",
        "end others, or raise the limit, with `ulimit -u`",
        ExitCode.INTERNAL,
    ),
    errno.ENOMEM: ("no-memory", "no memory is left", "end other programs, or raise the limit", ExitCode.INTERNAL),
}
"""By what the system says: slug, text (with the path that it is about), hint and exit code."""


def explain_system_error(error: OSError | MemoryError) -> StatecheckError | None:
    """Return what a user can do about what the system refused; None where that is not known."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else error.errno
    if number not in _REFUSED:
        return None
    slug, text, hint, code = _REFUSED[number]
    name = str(getattr(error, "filename", None) or "")
    named = f"`{name[:_MOST_NAME]}{'…' if len(name) > _MOST_NAME else ''}`" if name else "a file"
    return StatecheckError(slug, text.format(named), hint, code)


def more_time(seconds: float) -> str:
    """Return the option that gives turns twice the seconds that they had, and all else as much more."""
    return f"`--timeout {2 * seconds:g}`"


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
