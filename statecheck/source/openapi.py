"""What an OpenAPI document says of an operation's request, as fields. Reads a document, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from statecheck.source.fields import FILE, MESSAGE, Encoding, Field, Form, Json, Place
from statecheck.source.json_schema import NULLABLE, Schema, Schemas, list_of
from statecheck.source.roles import is_history
from statecheck.source.schema_samples import make_sample

_MEDIA: tuple[tuple[str, Encoding], ...] = (
    ("application/json", "json"),
    ("application/x-www-form-urlencoded", "form"),
    ("multipart/form-data", "multipart"),
    ("text/plain", "text"),
)
_KEY = "{session}"
_KEYS: Mapping[Form, tuple[str, ...]] = MappingProxyType(
    {
        "token": ("sc-0123456789ab",),
        "word": ("sc0123456789ab",),
        "uuid": ("00000000-0000-4000-8000-00000000000a",),
        "capitals": ("SCABCDEFGHIJ",),
        "integer": ("100000", "2147483647"),  # as a text it is never all of a value: that would be sent as a number
    }
)
_DEEPEST = 5
_NOTHING: Schema = MappingProxyType({})
_NO_DOCUMENT = Schemas({})
_VERBS = ("get", "post", "put", "patch")
_ROLES = ("role", "author", "sender", "type", "from", "speaker")
_TELLERS = ("type", "kind", "block_type", "part_kind")
_TEXT = "text"
_TEXTS = ("text", "content", "value")
_CONTENTS = ("content", "text", "message", "body", "value", "parts")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        method: in upper case.
        encoding: of its request's body.
        fields: what its request holds.
        answers: the names of the top-level properties in its answers.
    """

    path: str
    method: str
    encoding: Encoding
    fields: tuple[Field, ...]
    answers: frozenset[str]


def read_operations(document: object) -> tuple[Operation, ...]:
    """Return what a document says of each operation; one that is broken says what can be read of it."""
    if not isinstance(document, Mapping):
        return ()
    schemas = Schemas(document)
    return tuple(
        Operation(path, method.upper(), *_request(schemas, item, operation), _answers(schemas, operation))
        for path, item in _items(schemas.document, "paths")
        for method, operation in _items(item)
        if method in _VERBS
    )


def _items(piece: object, *path: str) -> list[tuple[str, Any]]:
    """Return the entries of a part of a document, [] where it has none."""
    for step in path:
        piece = piece.get(step) if isinstance(piece, Mapping) else None
    return [(str(name), value) for name, value in piece.items()] if isinstance(piece, Mapping) else []


def _request(schemas: Schemas, item: object, operation: object) -> tuple[Encoding, tuple[Field, ...]]:
    parameters = [
        schemas.resolve(parameter)
        for piece in (item, operation)
        for parameter in (list_of(piece, "parameters") if isinstance(piece, Mapping) else ())
    ]
    fields = [
        Field(
            Place(parameter["in"], (str(parameter.get("name", "")),)),
            **_facts(schemas, parameter.get("schema", {}), bool(parameter.get("required")), parameter),
        )
        for parameter in parameters
        if parameter.get("in") in ("path", "query", "header", "cookie")
    ]
    body = schemas.resolve(operation.get("requestBody", {}) if isinstance(operation, Mapping) else {})
    content = dict(_items(body, "content"))
    for media, encoding in _MEDIA:
        if media in content:
            around = content[media] if isinstance(content[media], Mapping) else {}
            fields += _flatten(schemas, around.get("schema", {}), (), bool(body.get("required", False)), around)
            return encoding, tuple(fields)
    return "none", tuple(fields)


def _answers(schemas: Schemas, operation: object) -> frozenset[str]:
    names: set[str] = set()
    for _, answer in _items(operation, "responses"):
        for _, media in _items(schemas.resolve(answer), "content"):
            schema = media.get("schema", {}) if isinstance(media, Mapping) else {}
            names.update(name for name, _ in _items(schemas.flatten(schema), "properties"))
    return frozenset(names)


def _flatten(
    schemas: Schemas, schema: Any, path: tuple[str, ...], required: bool, media: Schema = _NOTHING
) -> Iterator[Field]:
    flat = schemas.flatten(schema)
    properties = _items(flat, "properties")
    if properties and len(path) < _DEEPEST:
        needed = list_of(flat, "required")
        for name, piece in properties:
            yield from _flatten(schemas, piece, (*path, name), required and name in needed)
    elif path or flat.get("type") not in ("object", None):
        told = _read_turns(schemas, flat, path[-1] if path else "messages") or {"parts": _typed_parts(schemas, flat)}
        yield Field(Place("body", path), **told, **_facts(schemas, schema, required, media))


def _read_turns(schemas: Schemas, schema: Schema, name: str) -> dict[str, Any]:
    """Return what a field is told of the elements of a list of messages; nothing for any other value."""
    if schema.get("type") != "array":
        return {}
    element = schemas.flatten(schema.get("items", {}))
    properties = dict(_items(element, "properties"))
    role = next((key for key in _ROLES if key in properties), None)
    if role is None:
        return {"turn_keys": ("role", "content")} if is_history(name) and not properties else {}
    taken = {key: _typed_parts(schemas, schemas.flatten(piece)) for key, piece in properties.items()}
    content = next((key for key, parts in taken.items() if parts), None)
    content = content or next((key for key in _CONTENTS if key in properties), None)
    if content is None:
        return {}
    others = [key for key in list_of(element, "required") if key in properties and key not in (role, content)]
    more = tuple((key, make_sample(properties[key], _NOTHING, schemas)) for key in others)
    return {"turn_keys": (role, content), "parts": taken[content], "turn_more": more}


def _typed_parts(schemas: Schemas, schema: Schema) -> Json:
    """Return how a text is said in a list of typed parts, such as texts and images; None for any other value."""
    if schema.get("type") != "array":
        return None
    whole = schemas.resolve(schema.get("items", {}))
    choices = list(schemas.branches(whole)) if list_of(whole, "anyOf") or list_of(whole, "oneOf") else [whole]
    for choice in choices:
        flat = schemas.flatten(choice)
        properties = {name: schemas.flatten(piece) for name, piece in _items(flat, "properties")}
        teller = next((name for name, piece in properties.items() if _tells_text(name, piece)), None)
        text = next((name for name in _TEXTS if properties.get(name, {}).get("type") == "string"), None)
        if teller is not None and text is not None:
            needed = {name: make_sample(properties[name], _NOTHING, schemas) for name in list_of(flat, "required")}
            return [{**needed, teller: _TEXT, text: MESSAGE}]
    return None


def _tells_text(name: str, schema: Schema) -> bool:
    """Whether a property tells a part that is a text from the others."""
    if "const" in schema or "enum" in schema:
        return _TEXT in (schema.get("const"), *list_of(schema, "enum"))
    return name in _TELLERS and schema.get("type") == "string"


def _facts(schemas: Schemas, schema: Any, required: bool, around: Schema) -> dict[str, Any]:
    flat = schemas.flatten(schema)
    kind = flat.get("type") or ""
    known = any(key in piece for piece in (flat, around) for key in ("default", "example", "examples"))
    form = form_of(flat)
    return {
        "type": "file" if is_file(flat) else kind if isinstance(kind, str) else "",
        "required": required,
        "generated": not required and not known and not flat.get(NULLABLE) and kind == "string",
        "form": form[0] if form else "token",
        "dress": form[1] if form else _KEY,
        "value": FILE if is_file(flat) else make_sample(schema, around, schemas),
        "limited": "enum" in flat or "const" in flat or form is None,
        "known": known or "enum" in flat or "const" in flat,
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
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(text))
    if isinstance(least, (int, float)) and isinstance(most, (int, float)) and not least <= len(text) <= most:
        return False
    return _matches(str(schema.get("pattern", "")), text)


def _prefix(pattern: str) -> str:
    """Return the plain text that a pattern begins with: `T-` of `^T-[0-9]+$`."""
    found = re.match(r"\^?((?:[\w \-:#@/]|\\[^\w])*)(?![*?{])", pattern)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def sample_of(schema: Schema) -> Json:
    """Return a value that a schema without a document accepts."""
    return FILE if is_file(schema) else make_sample(schema, _NOTHING, _NO_DOCUMENT)


def _matches(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, or the pattern is none of Python's."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True
