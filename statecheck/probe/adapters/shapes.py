"""JSON and the objects that code is written for: a mapping becomes the request's own class, an answer becomes text."""

from __future__ import annotations

import dataclasses
import inspect
import json
import typing
from typing import Any


def shape_arguments(function: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call as its annotations want them: `reply(request: ChatRequest)` gets a ChatRequest."""
    if not any(isinstance(value, dict) for value in (*args, *kwargs.values())):
        return args, kwargs
    call = function if inspect.isroutine(function) else type(function).__call__
    try:
        hints = typing.get_type_hints(call)
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError, NameError):  # an annotation that only a type checker can see
        return args, kwargs
    return (
        [_shape_value(hints.get(name), value) for name, value in zip(names, args, strict=False)],
        {name: _shape_value(hints.get(name), value) for name, value in kwargs.items()},
    )


def _shape_value(hint: Any, value: Any) -> Any:
    """Return a mapping as an object of the class that a hint names, if it names one that can be made of it."""
    if hint is None:
        return Record(value) if isinstance(value, dict) else value
    options = [hint, *typing.get_args(hint)]  # of `ChatRequest | None` too
    kind = next((one for one in options if isinstance(one, type) and _has_fields(one)), None)
    if kind is None or not isinstance(value, dict):
        return value
    for name in ("model_validate", "parse_obj"):  # pydantic, which shapes what is inside itself
        if hasattr(kind, name):
            return getattr(kind, name)(value)
    hints = typing.get_type_hints(kind)
    return kind(**{name: _shape_value(hints.get(name), inner) for name, inner in value.items()})


class Record(dict[str, Any]):
    """A mapping of which nobody says whether it is one: it can be read as an object too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return _shape_value(None, self[name])
        except KeyError:
            raise AttributeError(name) from None


def _has_fields(kind: type) -> bool:
    return not issubclass(kind, dict) and bool(getattr(kind, "__annotations__", None))


def spell_answer(answer: Any) -> str:
    """Return an answer as the text that a client gets: JSON for what is no text itself."""
    if isinstance(answer, bytes):
        return answer.decode("utf-8", "replace")
    plain = answer if isinstance(answer, (str, dict, list, tuple)) else _read_parts(answer)
    return (
        plain if isinstance(plain, str) else json.dumps(plain, default=_read_parts, ensure_ascii=False, skipkeys=True)
    )


def _read_parts(thing: Any) -> Any:
    """Return what an object is made of, if it is plain data that has no text of its own; else its text."""
    if thing is None:
        return ""
    if getattr(type(thing).__str__, "__module__", "pydantic").startswith("pydantic"):
        if hasattr(thing, "model_dump"):
            return thing.model_dump(mode="json")
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            return dataclasses.asdict(thing)
    return str(thing)
