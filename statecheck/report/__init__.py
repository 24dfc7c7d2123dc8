"""Reports: one file a format, each turning a diagnosis, or the results of scenarios, into text. Nothing prints here.

A new format is a file here with its `FORMAT`, and a line in `FORMATS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statecheck.report.format import Format

FORMATS = (
    "full",
    "concise",
    "json",
)
"""Their names; the first is the one that is used where none is asked for."""


def load_format(name: str) -> Format:
    """Return one of `FORMATS`.

    Raises:
        ModuleNotFoundError: there is none of this name.
    """
    found: Format = import_module(f"{__name__}.{name.replace('-', '_')}").FORMAT
    return found
