"""The content of a value as one text, the same for the same content, in this process and in another.

Never runs code of the value's class, and shows no address: what is looked at belongs to the app.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

from .markers import parts

_BUDGET = 2000  # values looked at in one structure
_MOST = 200  # characters that are shown; a longer content ends in a digest of all of it


def content(value: Any) -> str:
    """A value's content, or "" for one that is too large."""
    left = [_BUDGET]
    whole = _content(value, left, set())
    if left[0] <= 0:
        return ""
    return (
        whole if len(whole) <= _MOST else whole[:_MOST] + hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
    )


def _content(value: Any, left: list[int], above: set[int]) -> str:
    left[0] -= 1
    kind: Any = type(value)
    if left[0] <= 0 or id(value) in above:
        return "…"
    if value is None or kind in (bool, int, float, str, bytes):
        return repr(value)
    inside = above | {id(value)}
    if issubclass(kind, dict):
        pairs = (f"{_content(key, left, inside)}: {_content(item, left, inside)}" for key, item in dict.items(value))
        return "{" + ", ".join(sorted(pairs)) + "}"
    items = [_content(item, left, inside) for item in parts(value)]
    if issubclass(kind, (list, tuple, deque)):
        return f"[{', '.join(items)}]"
    return f"{kind.__name__}({', '.join(sorted(items) if issubclass(kind, (set, frozenset)) else items)})"
