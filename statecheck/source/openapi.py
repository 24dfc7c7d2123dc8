"""What an OpenAPI document says of an operation's request, as fields. Reads a document, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from statecheck.source.fields import FILE, Encoding, Field, Form, Place
from statecheck.source.roles import is_history

Schema = Mapping[str, Any]  # a piece of a JSON document, whose form is only known piece by piece

_MEDIA: tuple[tuple[str, Encoding], ...] = (
    ("application/json", "json"),
    ("application/x-www-form-urlencoded", "form"),
    ("multipart/form-data", "multipart"),
)
_KEY = "{session}"
_KEYS: Mapping[Form, tuple[str, ...]] = MappingProxyType(
    {
        "token": ("sc-0123456789ab",),
        "uuid": ("00000000-0000-4000-8000-000000000001",),
        "integer": ("100000", "2147483647"),  # as a text it is never all of a value: that would be sent as a number
    }
)
_DEEPEST = 5
_NOTHING: Schema = MappingProxyType({})
_VERBS = ("get", "post", "put", "patch")
_ROLES = ("role", "author", "sender", "type", "from", "speaker")
_CONTENTS = ("content", "text", "message", "body", "value", "parts")


def read_operation(document: object, path: str, method: str) -> tuple[Encoding, tuple[Field, ...]] | None:
    """Return the encoding and the fields of one operation's request, or None if the document does not have it."""
    if not isinstance(document, Mapping):
        return None
    item = (document.get("paths") or {}).get(path) or {}
    operation = item.get(method.lower())
    if operation is None:
        return None
    fields = [
        Field(
            Place(parameter["in"], (parameter["name"],)),
            **_facts(_plain(document, parameter.get("schema", {})), bool(parameter.get("required")), parameter),
        )
        for parameter in (_plain(document, p) for p in [*item.get("parameters", ()), *operation.get("parameters", ())])
        if parameter.get("in") in ("path", "query", "header", "cookie")
    ]
    body = _plain(document, operation.get("requestBody", {}))
    content = body.get("content", {})
    for media, encoding in _MEDIA:
        if media in content:
            schema = content[media].get("schema", {})
            fields += _flatten(document, schema, (), bool(body.get("required", False)), content[media])
            return encoding, tuple(fields)
    return "none", tuple(fields)


def operations(document: object) -> list[tuple[str, str]]:
    """Return the paths and methods (upper case) that a document tells of."""
    paths = document.get("paths") if isinstance(document, Mapping) else None
    return [(path, method.upper()) for path, item in (paths or {}).items() for method in item if method in _VERBS]


def response_names(document: object, path: str, method: str) -> frozenset[str]:
    """Return the names of the top-level properties in an operation's answers."""
    if not isinstance(document, Mapping):
        return frozenset()
    operation = ((document.get("paths") or {}).get(path) or {}).get(method.lower()) or {}
    names: set[str] = set()
    for answer in operation.get("responses", {}).values():
        for media in _plain(document, answer).get("content", {}).values():
            names.update(_plain(document, media.get("schema", {})).get("properties", ()))
    return frozenset(names)


def _plain(document: Schema, schema: Any) -> Schema:
    """Return a schema with `$ref`, `allOf` and an optional's `anyOf` resolved."""
    for _ in range(_DEEPEST * 2):
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" in schema:
            found: Any = document
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                found = found.get(step, {}) if isinstance(found, Mapping) else {}
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
        elif "allOf" in schema:
            merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
            for part in (_plain(document, piece) for piece in schema["allOf"]):
                merged["properties"] = {**merged.get("properties", {}), **part.get("properties", {})}
                merged["required"] = [*merged.get("required", ()), *part.get("required", ())]
                merged = {**part, **merged}
            schema = merged
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            real = [choice for choice in choices if choice.get("type") != "null"]
            nullable = len(real) < len(choices) or schema.get("x-nullable")
            schema = {**(real[0] if real else {}), **rest, "x-nullable": nullable}
        else:
            break
    return schema if isinstance(schema, Mapping) else {}


def _flatten(
    document: Schema, schema: Any, path: tuple[str, ...], required: bool, media: Schema = _NOTHING
) -> Iterator[Field]:
    schema = _plain(document, schema)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and properties and len(path) < _DEEPEST:
        needed = schema.get("required", ())
        for name, piece in properties.items():
            yield from _flatten(document, piece, (*path, name), required and name in needed)
    elif path or schema.get("type") not in ("object", None):
        yield Field(
            Place("body", path),
            turn_keys=_turn_keys(document, schema, path[-1] if path else "messages"),
            **_facts(schema, required, media),
        )


def _turn_keys(document: Schema, schema: Schema, name: str) -> tuple[str, str] | None:
    """Return the names of role and content in the elements of a list of messages; None for any other value."""
    if schema.get("type") != "array":
        return None
    properties = _plain(document, schema.get("items", {})).get("properties", {})
    role = next((key for key in _ROLES if key in properties), None)
    content = next((key for key in _CONTENTS if key in properties), None)
    if role and content:
        return role, content
    return ("role", "content") if is_history(name) and not properties else None


def _facts(schema: Schema, required: bool, around: Schema) -> dict[str, Any]:
    kind = schema.get("type") or ""
    known = any(key in piece for piece in (schema, around) for key in ("default", "example", "examples"))
    form = form_of(schema)
    return {
        "type": "file" if is_file(schema) else kind if isinstance(kind, str) else "",
        "required": required,
        "generated": not required and not known and not schema.get("x-nullable") and kind == "string",
        "form": form[0] if form else "token",
        "dress": form[1] if form else _KEY,
        "value": sample_of(schema, around),
        "limited": "enum" in schema or "const" in schema or form is None,
        "known": known or "enum" in schema or "const" in schema,
    }


def is_file(schema: Schema) -> bool:
    """Whether a value is a file's content."""
    return schema.get("format") == "binary" or schema.get("contentMediaType") == "application/octet-stream"


def form_of(schema: Schema) -> tuple[Form, str] | None:
    """Return the form of session key that a schema accepts and how it is written in it, or None if it accepts none."""
    if schema.get("type") == "integer":
        return "integer", _KEY
    if schema.get("format") in ("uuid", "uuid4"):
        return "uuid", _KEY
    if schema.get("format") == "email":
        return "token", f"{_KEY}@example.com"
    pattern = str(schema.get("pattern", ""))
    prefix = _prefix(pattern)
    for form, keys in _KEYS.items():
        written = (_KEY, f"{prefix}{_KEY}", f"{prefix}1{_KEY}")
        for dress in written if form != "integer" else written[2:] if not prefix else written[1:]:
            if all(_fits(schema, dress.replace(_KEY, key)) for key in keys):
                return form, dress
    return None


def _fits(schema: Schema, text: str) -> bool:
    long_enough = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return long_enough and _matches(str(schema.get("pattern", "")), text)


def _prefix(pattern: str) -> str:
    """Return the plain text that a pattern begins with: `T-` of `^T-[0-9]+$`."""
    found = re.match(r"\^?((?:[\w \-:#@/]|\\[^\w])*)(?![*?{])", pattern)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def sample_of(schema: Schema, around: Schema = _NOTHING) -> Any:
    """Return a value that a schema accepts: the example it gives, else the simplest."""
    for piece in (schema, around):
        for key in ("const", "default", "example"):
            if piece.get(key) is not None:
                return piece[key]
        for key in ("enum", "examples"):
            if choices := piece.get(key):
                first = next(iter(choices.values()), None) if isinstance(choices, Mapping) else choices[0]
                return first.get("value") if isinstance(first, Mapping) and "value" in first else first
    return _simplest(schema)


def _simplest(schema: Schema) -> Any:
    kind = schema.get("type")
    if is_file(schema):
        return FILE
    if kind in ("integer", "number"):
        return _number(schema, whole=kind == "integer")
    if kind == "boolean":
        return False
    if kind == "array":
        return [sample_of(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
    if kind == "object":
        return {}
    return _text(schema)


def _number(schema: Schema, *, whole: bool) -> float:
    """Return 1 if it lies within the bounds, else what lies just inside them, or between them."""
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if all(bound is None for bound in (low, high)):
        return float(step) if step != int(step) else int(step)
    if not whole and low is not None and high is not None:
        return 1 if low < 1 < high and step == 1 else (low + high) / 2
    inside = low + ("minimum" not in schema) if low is not None else high - ("maximum" not in schema)
    one = (low is None or low < 1) and (high is None or high > 1) and step == 1
    return 1 if one else -(-inside // step) * step if low is not None else inside // step * step


_FORMATS = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "email": "someone@example.com",
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00+00:00",
    "uri": "http://localhost/",
    "time": "12:00:00Z",
}


def _text(schema: Schema) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if pattern := schema.get("pattern"):
        for guess in _guesses(str(pattern)):
            if _matches(str(pattern), guess):
                return guess
    text = "sample".ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _matches(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, or the pattern is none of Python's."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


def _guesses(pattern: str) -> Iterator[str]:
    """Texts that a simple pattern may accept: its first alternative, its classes' first members repeated."""
    bare = pattern.removeprefix("^").removesuffix("$")
    yield from re.split(r"\|", bare.strip("()?:"))

    flat = bare
    for _ in range(_DEEPEST):  # a group is its first alternative, as often as it has to be
        flat = re.sub(
            r"\((?:\?:|\?P<\w+>)?(?P<first>[^()|]*)(?:\|[^()]*)?\)(?:\{(?P<least>\d+)[^}]*\}|[+*?])?",
            lambda found: found["first"] * int(found["least"] or 1),
            flat,
        )

    def member(found: re.Match[str]) -> str:
        one = {"d": "1", "w": "a", "s": " "}.get(found["class"] or "", (found["set"] or "a")[0])
        return one * int(found["least"] or 1)

    yield re.sub(
        r"(?:\\(?P<class>[dws])|\[(?P<set>[^\]]+)\])(?:\{(?P<least>\d+)[^}]*\}|[+*?])?", member, flat.split("|")[0]
    ).replace("\\", "")
    yield from ("a", "A", "1", "en", "EN", "en-US", "aaaa", "1111", "abc-123")
