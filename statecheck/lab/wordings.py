"""What a user writes in a turn: plain words around a marker, in one line or as people and models really write."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.steps import Wording

_BESIDES = "I like long walks, old maps and strong tea, and I would rather travel by train than by plane. "
_TIMES = 7  # 660 characters: longer than what a cell, a preview or a column of 255 has room for


def message_of(marker: str, wording: Wording = "line") -> str:
    """Return the text of a turn, which ends with its marker.

    Where it is longer than a line it begins with another marker: what comes back with one of them alone was cut.

    Args:
        marker: the turn's.
        wording: `line`, the plainest; `lines`, several, with the marks at which code takes texts apart; `long`, one
            line of some hundred characters.
    """
    head = f"sc-m{zlib.crc32(marker.encode()):08x}"
    if wording == "lines":
        return (
            f'Please note three things (about {head}).\n\nFirst: "tea" | coffee; then, at 10:30, a walk.\n'
            f"And my code word is {marker}."
        )
    if wording == "long":
        return f"Please note a lot (about {head}). {_BESIDES * _TIMES}And my code word is {marker}."
    return f"Please note that my code word is {marker}."
