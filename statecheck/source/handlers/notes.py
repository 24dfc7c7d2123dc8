"""What a walk through a handler knows of an expression, and what it has noted of each part of the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from statecheck.source.field_evidence import decide
from statecheck.source.fields import ELEMENT, Field, Json, Place
from statecheck.source.weights import PART

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.source.code.resolver import Definition
    from statecheck.source.field_evidence import Decision, FieldEvidence

WHOLE = Place("body", ())
"""A body that is read as it is, without being taken apart."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What is known of an expression.

    Attributes:
        at: it is exactly what travels at this place.
        parts: it is made of what travels at these places.
        root: the request object, its undecoded body, its uploaded files, or "".
        attrs: attributes of an object that the code itself made.
        function: a function defined here, with what it sees.
        words: it is one of these names: `for name in ("user", "text")`.
    """

    at: Place | None = None
    parts: frozenset[Place] = frozenset()
    root: Literal["", "request", "raw", "files"] = ""
    attrs: Mapping[str, Traced] | None = None
    function: tuple[Definition, Mapping[str, Traced]] | None = None
    words: tuple[str, ...] = ()

    @property
    def all(self) -> frozenset[Place]:
        """Every place that it is made of."""
        places = set(self.parts)
        if self.at is not None and self.at.path:
            places.add(self.at)
        for traced in (self.attrs or {}).values():
            places |= traced.all
        return frozenset(places)


def merge(values: Iterable[Traced]) -> Traced:
    """Return what is made of several."""
    return Traced(parts=frozenset(place for traced in values for place in traced.all))


def element(traced: Traced) -> Traced:
    """Return an element of a list that travels somewhere."""
    if traced.at is not None and traced.at.path and traced.at.where in ("body", "event"):
        return Traced(at=Place(traced.at.where, (*traced.at.path, ELEMENT)))
    return Traced(parts=traced.all)


@dataclass(slots=True)
class Usage:
    """What the code does with one part of the request.

    Attributes:
        evidence: what that says of it, each reason once.
        options: literals that it is compared with, those without which a request is refused first.
        limited: only the options are taken.
        schema: what its format must be, in the words of JSON Schema.
        optional: the code does without it; `demanded`: no, it refuses a request that lacks it.
        generated: where it is missing, a new value is made up; `default`: or this one is taken; `own`: or an object
            that the code makes, which no client could send.
    """

    evidence: dict[FieldEvidence, None] = field(default_factory=dict)
    options: list[Json] = field(default_factory=list)
    limited: bool = False
    schema: dict[str, Json] = field(default_factory=dict)
    optional: bool = False
    demanded: bool = False
    generated: bool = False
    own: bool = False
    default: Json = None

    @property
    def decision(self) -> Decision:
        """What the evidence says together."""
        return decide(self.evidence)


@dataclass(slots=True)
class Notes:
    """What a walk has noted of a request and of the answer to it.

    Attributes:
        usages: what the code does with each part that it reads.
        declared: the fields that classes and annotations declare.
        alias: by the place at which code reads a part, that at which a client sends it.
        encoding: of the body, or "" while nothing has read it.
        decoded: it is a text, which code decodes itself; `looked_into`: parts are taken of it as it comes.
        model: how surely a model is asked: 0 (no sign) to 3 (a chat or completion call).
        streams: the answer comes in pieces.
        answers: names in what is returned.
        set_cookies: names of the cookies that are set.
        begins: something is put into the framework's session.
        kept: what is put aside for the request: by `.name` on its state, by name in a context variable.
        earlier: what middleware has already done with parts that it keeps for the handler.
    """

    usages: dict[Place, Usage] = field(default_factory=dict)
    declared: dict[Place, Field] = field(default_factory=dict)
    alias: dict[Place, Place] = field(default_factory=dict)
    encoding: str = ""
    decoded: bool = False
    looked_into: bool = False
    model: float = 0.0
    streams: bool = False
    answers: set[str] = field(default_factory=set)
    set_cookies: set[str] = field(default_factory=set)
    begins: bool = False
    kept: dict[str, Traced] = field(default_factory=dict)
    earlier: dict[Place, Usage] = field(default_factory=dict)

    def usage(self, place: Place) -> Usage:
        """Return what is noted of a place, to be added to."""
        if place not in self.usages:
            self.usages[place] = self.earlier.get(place) or Usage()
        return self.usages[place]

    def read(self, traced: Traced) -> Traced:
        """Note that a part of the request is read; return its place by the name that a client uses."""
        if traced.at is None or not traced.at.path:
            return traced
        place = self.alias.get(traced.at, traced.at)
        self.usage(place)
        return Traced(at=place)

    def declare(self, fields: Iterable[tuple[Field, Place]]) -> None:
        """Note fields that are declared, each with the place where the code reads it."""
        for declared, read_as in fields:
            self.declared.setdefault(declared.place, declared)
            if read_as != declared.place:
                self.alias[read_as] = declared.place

    def note(self, traced: Traced, evidence: FieldEvidence, part: float = PART) -> None:
        """Note evidence of what a value is, and this share of it for what the value is made of."""
        if traced.root == "raw" and evidence.weight > 0:
            self.weigh(WHOLE, evidence)
        for place in traced.all:
            self.weigh(place, evidence if place == traced.at else evidence.times(part))

    def weigh(self, place: Place, evidence: FieldEvidence) -> None:
        """Note evidence for one place."""
        usage = self.usage(place)
        if evidence.weight:
            usage.evidence.setdefault(evidence)

    def kept_by_request(self) -> dict[str, Traced]:
        """Return what was put on the request's state, on `g` or on the request, by the attributes' names."""
        return {key[1:]: traced for key, traced in self.kept.items() if key.startswith(".")}
