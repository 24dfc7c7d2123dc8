"""What a framework keeps for the app, where a search for a marker ends as it does in a module: sessions, caches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Line = tuple[str, int]
"""A line of the user's code: relative path and number."""


@dataclass(frozen=True)
class Keeper:
    """An object of a framework that keeps what the app gave it.

    Attributes:
        thing: the object whose items they are.
        text: how the app calls it: `st.session_state`, `get_engine()`.
        line: the user's line that made it; None where each item has a line of its own (`given`).
        named: its items' names are the app's, and not numbers of the framework's.
    """

    thing: Any
    text: str
    line: Line | None = None
    named: bool = True

    def line_of(self, name: str) -> Line | None:
        """The user's line that keeps something here under this name; None for what the framework itself keeps."""
        return self.line or _LINES.get((self.text, name))


_LINES: dict[tuple[str, str], Line] = {}


def note_line(keeper: str, name: str, line: Line | None = None) -> None:
    """Note that the user's code gives a keeper something under a name: the first line that does is shown."""
    if line is None:
        frames = RECORDER.frames(3)
        line = frames[0][:2] if frames else None
    if line is not None:
        _LINES.setdefault((keeper, name), line)


def line_of(keeper: str, name: str) -> Line | None:
    """The user's line that was noted for this name, if any."""
    return _LINES.get((keeper, name))


KEEPERS: list[Callable[[], Iterable[Keeper]]] = []
"""Asked for what there is at the time of a search."""


def list_keepers() -> list[Keeper]:
    """Everything that a framework keeps for the app now."""
    return [keeper for ask in KEEPERS for keeper in ask()]
