"""Frozen dataclasses as JSON and back, strictly: what does not fit its declaration is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from statecheck.model import Anchor, Problem, TargetName
from statecheck.source.handlers.accounts import Account
from statecheck.talk.plan import Elsewhere, Plan, Preliminary, Varied

Record = TypeVar("Record")

_NAMES: dict[str, Any] = {
    each.__name__: each
    for each in (Account, Anchor, Elsewhere, Mapping, Plan, Preliminary, Problem, TargetName, Varied)
}
"""What records name in their declarations, and import for types alone."""

_DEEPEST = 100


def decode(kind: type[Record], value: object, place: str = "it") -> Record:
    """Return the record of this class that JSON holds.

    Args:
        kind: a dataclass of plain values, tuples, mappings and other dataclasses.
        value: as `json.loads` returns it.
        place: how an error calls it.

    Raises:
        ValueError: a field is missing, unknown or of another type; the text says which.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{place} is no object")  # noqa: TRY004 - it is the text that is wrong, and no call
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy does not know that a class is hashable
    if hints.keys() != value.keys():
        raise ValueError(f"{place} lacks or adds {', '.join(sorted(map(str, hints.keys() ^ value.keys())))}")
    return kind(**{name: _decode(hint, value[name], f"{place}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, by name."""
    return get_type_hints(kind, localns=_NAMES)


def _decode(hint: Any, value: Any, place: str) -> Any:
    kind, parts = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return decode(hint, value, place)
    if kind in (Union, UnionType):
        if any(get_origin(part) is dict for part in parts):  # JSON of any kind
            return _check_depth(value, place)
        if value is None and NoneType in parts:
            return None
        rest = [part for part in parts if part is not NoneType]
        if len(rest) == 1:
            return _decode(rest[0], value, place)
    elif kind is tuple and isinstance(value, list):
        if parts[-1] is not Ellipsis and len(parts) != len(value):
            raise ValueError(f"{place} has {len(value)} items in place of {len(parts)}")
        each = [parts[0]] * len(value) if parts[-1] is Ellipsis else parts
        pairs = enumerate(zip(each, value, strict=True))
        return tuple(_decode(part, item, f"{place}[{at}]") for at, (part, item) in pairs)
    elif kind is Mapping and isinstance(value, dict):
        return {name: _decode(parts[1], item, f"{place}.{name}") for name, item in value.items()}
    elif (kind is Literal and value in parts) or (kind is None and type(value) is hint):
        return value
    raise ValueError(f"{place} cannot be {value!r:.60}")


def _check_depth(value: Any, place: str) -> Any:
    """Return JSON that is not nested too deeply: whoever goes through it later calls itself."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [item for items in inner for item in items]
    if level:
        raise ValueError(f"{place} is nested too deeply")
    return value


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a record, or what a field of one holds, with every free text in it changed.

    The keys of mappings stay, and so do fields that take one of a few words.
    """
    if isinstance(value, str):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        free = [name for name, hint in _hints(type(value)).items() if get_origin(hint) is not Literal]
        return replace(value, **{name: map_texts(getattr(value, name), change) for name in free})
    if isinstance(value, tuple | list):
        return type(value)(map_texts(item, change) for item in value)
    if isinstance(value, Mapping):
        return {name: map_texts(item, change) for name, item in value.items()}
    return value
