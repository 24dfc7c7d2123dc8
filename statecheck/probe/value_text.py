"""The content of a value as one text, the same for the same content, in this process and in another.

Never runs code of the value's class, and shows no address: what is looked at belongs to the app. What JSON does to a
value on its way through a store (a tuple, an enum, a key that is a number) leaves its content as it was.
"""

from __future__ import annotations

import hashlib
from collections import deque
from enum import Enum
from typing import Any

from .markers import attributes_of

_BUDGET = 2000  # values looked at in one structure
_MOST = 200  # characters that are shown; a longer content ends in a digest of all of it
_HIDDEN = ("__pydantic_private__", "__pydantic_extra__")  # where pydantic keeps what is no declared field


def content(value: Any) -> str:
    """A value's content, or "" for one that is too large."""
    left = [_BUDGET]
    whole = _content(value, left, frozenset())
    if left[0] <= 0:
        return ""
    return (
        whole if len(whole) <= _MOST else whole[:_MOST] + hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
    )


def _content(value: Any, left: list[int], above: frozenset[int]) -> str:
    left[0] -= 1
    kind: Any = type(value)
    if left[0] <= 0 or id(value) in above:
        return "…"
    if value is None or kind in (bool, int, float, str, bytes):
        return repr(value)
    if issubclass(kind, Enum):
        return _content(value.value, left, above)
    inside = above | {id(value)}
    if issubclass(kind, dict):
        pairs = (f"{_name(key)}: {_content(item, left, inside)}" for key, item in list(dict.items(value)))
        return "{" + ", ".join(sorted(pairs)) + "}"
    for base in (list, tuple, deque, set, frozenset):
        if issubclass(kind, base):
            items = [_content(item, left, inside) for item in list(base.__iter__(value))]
            return f"[{', '.join(sorted(items) if base in (set, frozenset) else items)}]"
    if isinstance(value, type) or kind.__module__ in ("uuid", "decimal", "datetime", "pathlib"):
        return f"{kind.__name__}({value})"
    held = {**attributes_of(value), **{name: found for name in _HIDDEN if (found := _slot(value, name))}}
    return f"{kind.__name__}({', '.join(f'{name}={_content(held[name], left, inside)}' for name in sorted(held))})"


def _name(key: Any) -> str:
    return str(key) if type(key) in (str, int, float, bool, type(None)) else type(key).__name__


def _slot(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return None
