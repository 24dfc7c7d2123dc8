"""What a target is lent of statecheck's own environment: servers, for one whose environment has none."""

from __future__ import annotations

import contextlib
import re
from importlib.metadata import PackageNotFoundError, metadata
from importlib.util import find_spec

_SERVERS = ("waitress", "uvicorn", "h11", "click", "websockets", "typing_extensions")  # with what they need


def find_lendable() -> dict[str, tuple[str, int]]:
    """Return {module: (its file, the oldest minor version of Python 3 that it is for)}; all are pure Python."""
    found = {}
    for name in _SERVERS:
        spec = find_spec(name)
        with contextlib.suppress(PackageNotFoundError):
            oldest = re.search(r">=\s*3\.(\d+)", metadata(name)["Requires-Python"])
            if spec is not None and spec.origin is not None:
                found[name] = (spec.origin, int(oldest[1]) if oldest else 0)
    return found
