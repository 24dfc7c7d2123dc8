"""A table of a TOML file: its values read as what they must be, and what is wrong told with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from statecheck.errors import StatecheckError, unknown

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and how to say where a value stands in it. All readers raise StatecheckError for one of another type."""

    file: Path
    name: str
    values: Mapping[str, object]

    def wrong(self, key: str, wanted: str) -> StatecheckError:
        """The error for a value that is not what it must be; "" for the table itself."""
        where = f"`{key}` of [{self.name}]" if key else f"[{self.name}]"
        return StatecheckError(
            "config-invalid", f"{where} in `{self.file}` must be {wanted}", "mend it in pyproject.toml"
        )

    def check(self, known: Iterable[str]) -> None:
        """Refuse keys that are not known.

        Raises:
            StatecheckError: there is one, or this is no table.
        """
        if not isinstance(self.values, Mapping):
            raise self.wrong("", "a table")
        known = tuple(known)
        for key in self.values:
            if key not in known:
                raise unknown(
                    "config-unknown-key",
                    f"key in [{self.name}] of `{self.file}`:",
                    key,
                    known,
                    f"known keys: {', '.join(known)}",
                )

    def text(self, key: str) -> str | None:
        """A text, or None."""
        value = self.values.get(key)
        if value is not None and not _is_text(value):
            raise self.wrong(key, "a string")
        return cast("str | None", value)

    def texts(self, key: str, *, one: bool = False) -> tuple[str, ...]:
        """A list of texts; with `one` a single text stands for a list of it."""
        value = self.values.get(key, [])
        if one and _is_text(value):
            return (cast("str", value),)
        if not isinstance(value, list) or not all(map(_is_text, value)):
            raise self.wrong(key, "a list of strings")
        return tuple(value)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A table of texts."""
        value = self.values.get(key, {})
        if not isinstance(value, dict) or not all(map(_is_text, (*value, *value.values()))):
            raise self.wrong(key, "a table of strings")
        return tuple(value.items())

    def number(self, key: str) -> float | None:
        """A positive number, or None."""
        value = self.values.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9):
            raise self.wrong(key, "a positive number")
        return cast("float | None", value)

    def choice(self, key: str, known: tuple[str, ...]) -> str | None:
        """One of these words, or None."""
        value = self.text(key)
        if value is not None and value not in known:
            raise self.wrong(key, f"one of {', '.join(known)}")
        return value


def _is_text(value: object) -> bool:
    """Whether a value is a text that the system takes too, as a path or a variable."""
    return isinstance(value, str) and "\0" not in value
