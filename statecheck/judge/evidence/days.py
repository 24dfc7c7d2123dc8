"""The ways in which programs write the day of a run, to find it in a key or a path. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_EARLIEST, _LATEST = timedelta(hours=-12), timedelta(hours=14)
"""Of all time zones: in which one the app thinks is not known."""
_SEPARATORS = ("-", "_", "/", ".")
_PARTS = ("%Y {0} %m {0} %d", "%d {0} %m {0} %Y", "%m {0} %d {0} %Y", "%d {0} %b {0} %Y", "%Y {0} %j")
_LONG = ("%Y%m%d", "%d%m%Y", "%Y%j")
_SHORT = ("%y%m%d", "%y-%m-%d")
_WEEK = ("%G-W%V", "%GW%V", "%G_W%V")
_EPOCH = date(1970, 1, 1)
_ANY_DAY = re.compile(r"(?<!\d)20\d\d([-_/.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class Days:
    """What finds the day of a run, wherever on earth that is: `day`, and the `week` or `month` that it is in."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...]

    @classmethod
    def of(cls, moment: str) -> Days:
        """Return what finds the day of a moment.

        Args:
            moment: in UTC, as `datetime.isoformat` writes it.

        Raises:
            ValueError: it is none.
        """
        now = datetime.fromisoformat(moment)
        days = sorted({(now + _EARLIEST).date(), now.date(), (now + _LATEST).date()})
        parted = [form.format(mark).replace(" ", "") for form in _PARTS for mark in _SEPARATORS]
        long = _join(day.strftime(form) for day in days for form in (*parted, *_LONG))
        counts = [str(count) for day in days for count in ((day - _EPOCH).days, day.toordinal())]
        short = _join([*(day.strftime(form) for day in days for form in _SHORT), *counts])
        weeks = _join(day.strftime(form) for day in days for form in _WEEK)
        months = _join(day.strftime(f"%Y{mark}%m") for day in days for mark in _SEPARATORS[:3])
        apart = "(?<![0-9A-Za-z])(?:{})(?![0-9A-Za-z])"
        patterns = {
            "day": rf"(?<!\d)(?:{long})(?:\d\d)*(?!\d)|{apart.format(short)}",  # an hour may follow
            "week": apart.format(weeks),
            "month": rf"(?<!\d)(?:{months})(?![-_/.]?\d)",
        }
        return cls(tuple((period, re.compile(pattern, re.IGNORECASE)) for period, pattern in patterns.items()))

    def find(self, text: str) -> tuple[str, re.Match[str]] | None:
        """Return the period that a text names, and where; None where it names none that the run is in."""
        found = ((period, pattern.search(text)) for period, pattern in self.patterns)
        return next(((period, match) for period, match in found if match is not None), None)


def names_another_day(text: str, day: str) -> bool:
    """Return whether a text has another day in it than this one, however the two are written."""
    own = _digits(day)
    others = (_digits(found[0]) for found in _ANY_DAY.finditer(text))
    return any(not other.startswith(own) and not own.startswith(other) for other in others)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _join(texts: Iterable[str]) -> str:
    return "|".join(re.escape(text) for text in sorted({*texts}, key=lambda text: (-len(text), text)))
