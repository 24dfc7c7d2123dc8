"""Finding markers in any value: the short tokens by which a turn is recognised wherever its text went.

Never runs code of the value's class: what is looked at belongs to the app.
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

_MARKER = re.compile(r"sc[-_ ]?m([0-9a-f]{8})")
_MARKER_SPELLED = re.compile(_MARKER.pattern, re.IGNORECASE)  # slower: for texts of which the places count
_MARKER_BYTES = re.compile(_MARKER.pattern.encode())
_BUDGET = 20_000  # values looked at in one structure
_NEWEST = 400  # items of a sequence that are looked at: a longer conversation is read from its end
_BEFORE, _MOST_AROUND = 30, 8  # characters before a marker, and markers, that `around` shows
_PASSED_OVER = (
    *(int, float, complex, type, type(None)),
    *(FunctionType, BuiltinFunctionType, MethodType, ModuleType),  # a function's globals lead to all that there is
)


def read_markers(text: str | bytes | bytearray) -> list[str]:
    """The markers in a text, in order, without repeats, in the form in which they were sent.

    Also those that an app wrote in capitals, or whose hyphen it took for punctuation: such a text is kept all the same.
    """
    if isinstance(text, str):
        found = _MARKER.findall(str.lower(text))  # not its own `lower`: that is the app's code
    else:
        found = [digits.decode() for digits in _MARKER_BYTES.findall(bytes(memoryview(text)).lower())]
    return [f"sc-m{digits}" for digits in dict.fromkeys(found)] if found else []  # hardly a text has one


def find(value: Any) -> list[str]:
    """The markers in a value, in the order in which they stand in it, without repeats.

    Walks strings, bytes, containers and objects with a `__dict__` or slots (pydantic models, dataclasses). What an
    assistant said is passed over: the echo model repeats markers, and an answer is no proof that a turn is kept.
    """
    found: dict[str, None] = {}
    stack: list[Any] = [value]
    seen: dict[int, Any] = {}  # kept meanwhile: else what is made on the way could get the number of what is gone
    left = _BUDGET
    while stack and left:
        left -= 1
        item = stack.pop()
        kind: Any = type(item)  # asking `isinstance` would ask a proxy for the class that it stands for
        if issubclass(kind, (str, bytes, bytearray)):
            found.update(dict.fromkeys(read_markers(item)))
        elif not issubclass(kind, _PASSED_OVER) and id(item) not in seen:
            seen[id(item)] = item
            stack.extend(reversed(parts(item)))
    return list(found)


def words_around(text: str) -> str:
    """The words before the first few markers in a text, each with its marker: whose words they are."""
    found = [text[max(0, match.start() - _BEFORE) : match.end()] for match in _MARKER_SPELLED.finditer(text)]
    return " | ".join(found[:_MOST_AROUND])


def parts(item: Any) -> list[Any]:
    """What a container or object holds, one level deep; nothing for an assistant's message."""
    kind: Any = type(item)
    if issubclass(kind, dict):
        role = dict.get(item, "role")
        return [] if _is_assistant(role) else [part for pair in dict.items(item) for part in pair]
    for base in (list, tuple, deque, set, frozenset):
        if issubclass(kind, base):
            return list(base.__iter__(item))[-_NEWEST:]
    attributes = attributes_of(item)
    if _is_assistant(attributes.get("role")):
        return []
    values = list(attributes.values())
    for member in _slots(kind):
        try:
            values.append(member.__get__(item))
        except AttributeError:
            continue
    return values


def _is_assistant(role: Any) -> bool:
    kind = type(role)
    if issubclass(kind, Enum):
        return bool(role.value == "assistant")
    return issubclass(kind, str) and bool(role == "assistant")


@lru_cache(maxsize=4096)
def _slots(kind: type) -> tuple[MemberDescriptorType, ...]:
    """The slots of a class and its bases."""
    return tuple(
        member for cls in kind.__mro__ for member in vars(cls).values() if isinstance(member, MemberDescriptorType)
    )


def attributes_of(item: Any) -> dict[str, Any]:
    """An object's own `__dict__`, or {}; never runs code of its class."""
    try:
        found = object.__getattribute__(item, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def text(value: Any, limit: int = 2000) -> str:
    """A short text of a value for people: a message's text, a list's items joined, else its kind."""
    kind = type(value)
    if issubclass(kind, str):
        return str.__str__(value)[:limit]
    if issubclass(kind, (list, tuple)):
        return " | ".join(text(item, limit) for item in value[-20:])[:limit]
    if kind in (int, float, bool, bytes, dict, type(None)):
        return str(value)[:limit]
    attributes = attributes_of(value)
    for name in ("text", "content", "blocks"):
        if attributes.get(name):
            return text(attributes[name], limit)
    return kind.__name__
