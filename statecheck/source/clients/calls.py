"""A request that client code sends: its path and its fields, in whatever language it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from statecheck.source import weights
from statecheck.source.fields import Encoding, Field, Form, Json, Place, Where
from statecheck.source.handlers.models import makes_key_text
from statecheck.source.roles import as_set, is_history, leaning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Sent = dict[str, "Sent"] | list["Sent"] | tuple[Literal["literal"], Json] | tuple[Literal["said"], str] | None
"""What is sent: a dict, a list, a literal, or the spelling of an expression."""


_OPERATION = re.compile(r"\s*(?:(?:mutation|query)\b[^{}]*)?\{\s*\w")


def is_operation(text: str) -> bool:
    """Whether a text asks for an operation of GraphQL: what stands in it in braces, or behind `$`, is its own."""
    return _OPERATION.match(text) is not None and text.rstrip().endswith("}") and text.count("{") == text.count("}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request of client code.

    Attributes:
        path: without host and query; what is filled in stands in braces.
        file, line: where, relative to the project.
        test: it is a test's.
        route: the name of the endpoint's function, where the code gives that instead of a path (`url_for`).
    """

    method: str
    path: str
    fields: tuple[Field, ...]
    encoding: Encoding = "none"
    file: str = ""
    line: int = 0
    test: bool = False
    route: str = ""


def split_url(url: str) -> tuple[str, Sent]:
    """Return the path of a URL, and its query as what is sent."""
    masked: list[str] = []

    def mask(found: re.Match[str]) -> str:
        masked.append(found[0])
        return f"\x00{len(masked) - 1}\x00"

    bare = re.sub(r"\{[^{}]*\}", mask, url)
    bare = re.sub(r"^(?:[a-z+]+:)?//[^/?]*", "", bare)
    path, _, query = bare.partition("?")
    path = re.sub(r"^\x00\d+\x00(?=/|$)", "", path)

    def unmask(text: str) -> str:
        return re.sub(r"\x00(\d+)\x00", lambda found: masked[int(found[1])], text)

    sent: dict[str, Sent] = {}
    for name, value in parse_qsl(query.split("#")[0], keep_blank_values=True):
        spelled = unmask(value)
        sent[name] = ("said", spelled.strip("{}")) if "{" in spelled else ("literal", spelled)
    return unmask(path.split("#")[0]), sent


def same_path(sent: str, route: str) -> bool:
    """Whether a client's path leads to a route: parameters fit any part, and either may have a prefix."""
    theirs, mine = _parts(sent), _parts(route)
    shorter = min(len(theirs), len(mine))
    if not shorter:
        return not theirs and not mine
    pairs = list(zip(theirs[-shorter:], mine[-shorter:], strict=False))
    if any(a != b and "{" not in a and "{" not in b for a, b in pairs):
        return False
    more = theirs[:-shorter] or mine[:-shorter]
    literal = any(a == b and "{" not in a for a, b in pairs)
    return literal and (not more or "{" not in "".join(mine[:-shorter]))


def path_fields(sent: str, route: str) -> tuple[Field, ...]:
    """Tell what a client fills into a route's parameters: a fixed part (`expenses`), or an expression."""
    fields = []
    for theirs, mine in zip(reversed(_parts(sent)), reversed(_parts(route)), strict=False):
        if mine.startswith("{") and mine.endswith("}"):
            place = Place("path", (mine[1:-1],))
            if "{" in theirs:
                fields.append(Field(place, said=theirs.replace("{", "").replace("}", "")))
            else:
                fields.append(
                    Field(place, "string", value=theirs, known=True, limited=leaning(mine[1:-1]) > -weights.SURE_NAME)
                )
    return tuple(fields)


def _parts(path: str) -> list[str]:
    return [part for part in re.sub(r"\{[^{}]*\}", lambda found: found[0].replace("/", ""), path).split("/") if part]


def fields_of(sent: Mapping[str, Sent]) -> tuple[Field, ...]:
    """Tell what a client sends, as fields."""
    wheres: tuple[Where, ...] = ("query", "header", "cookie", "body")
    fields = [field for where in wheres for field in _flatten(where, (), sent.get(where))]
    return tuple(
        field for field in fields if field.place.where != "header" or field.place.path[0].lower() not in _TRANSPORT
    )


_TRANSPORT = as_set(
    "content-type accept user-agent origin referer host connection cache-control content-length accept-encoding "
    "accept-language x-requested-with x-csrftoken x-csrf-token"
)


def _flatten(where: Where, path: tuple[str, ...], sent: Sent) -> Iterator[Field]:
    if isinstance(sent, dict):
        for name, inner in sent.items():
            yield from _flatten(where, (*path, name), inner)
    elif isinstance(sent, list):
        keys = next((_turn_keys(item) for item in sent if isinstance(item, dict)), None)
        keys = keys or (("role", "content") if path and is_history(path[-1]) else None)
        texts = bool(sent) and all(isinstance(item, tuple) for item in sent)
        yield Field(Place(where, path), "array", turn_keys=keys, value=[], known=not texts)
    elif sent is not None and (path or where == "body"):
        kind, value = sent
        if kind == "literal":
            yield Field(Place(where, path), _type(value), value=value, known=True)
        else:
            spelled = str(value)
            history = path and is_history(path[-1]) and not re.search(r"[\"'`]", spelled)
            form: Form = "uuid" if makes_key_text(spelled) and "uuid" in spelled.lower() else "token"
            keys = ("role", "content") if history and path[-1] != "conversation" else None
            yield Field(Place(where, path), said=spelled, form=form, turn_keys=keys)


def _turn_keys(item: dict[str, Sent]) -> tuple[str, str] | None:
    role = next((name for name in ("role", "author", "sender", "type", "from") if name in item), None)
    content = next((name for name in ("content", "text", "message", "body", "parts") if name in item), None)
    return (role, content) if role and content else None


def _type(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "string"
