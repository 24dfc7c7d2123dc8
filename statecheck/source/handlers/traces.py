"""What the walk through a handler knows of an expression, and what it has noted of a part of the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.source.fields import ELEMENT, Json, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.source.code.lookup import Found


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of an expression.

    Attributes:
        at: it is exactly what travels at this place.
        parts: it is made of what travels at these places.
        root: `request` (the request object), `raw` (its undecoded body), or "".
        attrs: attributes of an object that the code itself made.
        function: a function defined here, with what it sees.
        words: it is one of these names: `for name in ("user", "text")`.
    """

    at: Place | None = None
    parts: frozenset[Place] = frozenset()
    root: str = ""
    attrs: Mapping[str, Value] | None = None
    function: tuple[Found, Mapping[str, Value]] | None = None
    words: tuple[str, ...] = ()

    @property
    def all(self) -> frozenset[Place]:
        """Every place that it is made of."""
        places = set(self.parts)
        if self.at is not None and self.at.path:
            places.add(self.at)
        for value in (self.attrs or {}).values():
            places |= value.all
        return frozenset(places)


@dataclass(slots=True)
class Evidence:
    """What the code did with one part of the request; the strongest sign each way counts.

    Attributes:
        message, session: signs that it is the one or the other.
        options: literals that it is compared with, those without which a request is refused first.
        limited: only the options are taken.
        schema: what its format must be, in the words of JSON Schema.
        optional: the code does without it; `demanded`: no, it refuses a request that lacks it.
        generated: where it is missing, a new value is made up; `default`: or this one is taken.
    """

    message: float = 0.0
    session: float = 0.0
    options: list[Json] = field(default_factory=list)
    limited: bool = False
    schema: dict[str, Json] = field(default_factory=dict)
    optional: bool = False
    demanded: bool = False
    generated: bool = False
    default: Json = None


def merge(values: Iterable[Value]) -> Value:
    """Return a value made of several."""
    return Value(parts=frozenset(place for value in values for place in value.all))


def element(value: Value) -> Value:
    """Return an element of a list that travels somewhere."""
    if value.at is not None and value.at.path and value.at.where in ("body", "event"):
        return Value(at=Place(value.at.where, (*value.at.path, ELEMENT)))
    return Value(parts=value.all)
