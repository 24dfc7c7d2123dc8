"""Finding markers in any value: the short tokens by which a turn is recognised wherever its text went."""

from __future__ import annotations

import re
from typing import Any

MARKER = re.compile(r"sc-m[0-9a-f]{8}")
MARKER_BYTES = re.compile(rb"sc-m[0-9a-f]{8}")
_BUDGET = 4000  # values looked at in one structure; a longer conversation is read from its end


def find(value: Any) -> list[str]:
    """The markers in a value, in the order in which they stand in it, without repeats.

    Walks strings, bytes, containers and objects with a `__dict__` (pydantic models and dataclasses too). What an
    assistant said is passed over: the echo model repeats markers, and an answer is no proof that a turn is kept.
    """
    found: dict[str, None] = {}
    stack: list[Any] = [value]
    seen: set[int] = set()
    left = _BUDGET
    while stack and left:
        left -= 1
        item = stack.pop()
        if isinstance(item, str):
            if "sc-m" in item:
                found.update(dict.fromkeys(MARKER.findall(item)))
        elif isinstance(item, (bytes, bytearray)):
            if b"sc-m" in item:
                found.update(dict.fromkeys(match.decode() for match in MARKER_BYTES.findall(item)))
        elif item is not None and not isinstance(item, (int, float, type)) and id(item) not in seen:
            seen.add(id(item))
            stack.extend(reversed(parts(item)))
    return list(found)


def parts(item: Any) -> list[Any]:
    """What a container or object holds, one level deep; nothing for an assistant's message."""
    if isinstance(item, dict):
        return [] if item.get("role") == "assistant" else [part for pair in item.items() for part in pair]
    if isinstance(item, (list, tuple, set, frozenset)):
        return list(item)
    attributes = attributes_of(item)
    role = attributes.get("role")
    if role is not None and getattr(role, "value", role) == "assistant":
        return []
    values = list(attributes.values())
    if hasattr(type(item), "__pydantic_private__"):
        for more in (item.__pydantic_private__, item.__pydantic_extra__):
            values.extend((more or {}).values())
    return values


def attributes_of(item: Any) -> dict[str, Any]:
    """An object's own `__dict__`, or {}; never runs code of its class."""
    try:
        found = object.__getattribute__(item, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def text(value: Any, limit: int = 2000) -> str:
    """A short text of a value for people: a message's content, a list's items joined, else its `str`."""
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, (list, tuple)):
        return " | ".join(text(item, limit) for item in value[-20:])[:limit]
    content = getattr(value, "content", None)
    if isinstance(content, str):
        return content[:limit]
    if isinstance(value, (int, float, bool, bytes, dict)) or value is None:
        return str(value)[:limit]
    return type(value).__name__
