"""A value that fits a JSON schema: what the echo model gives where an app asks for structured output."""

from __future__ import annotations

from typing import Any

_FORMATS = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "sc@example.com",
    "uri": "http://localhost/",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}
_ASKED = ""  # beside the definitions, which have names: how often this was asked before
_MAX_DEPTH = 6  # a schema may contain itself


def fake(schema: dict[str, Any], text: str, asked: int = 0) -> Any:
    """Make a value that fits the schema; its free strings are the text, its numbers the smallest from 1 on.

    Args:
        schema: of the whole value.
        text: what its free strings say.
        asked: how often the same was asked before: each time another choice is made, so that a loop ends that goes on
            until the model says that it is done.
    """
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {}), _ASKED: asked}
    return _fake(schema, text, definitions, 0)


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an object schema."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def required_names(schema: dict[str, Any]) -> list[str]:
    """Return the names that an object must have."""
    found = schema.get("required")
    return found if isinstance(found, list) else []


def _fake(schema: Any, text: str, definitions: dict[str, Any], depth: int) -> Any:
    if not isinstance(schema, dict):
        return text
    if "const" in schema or schema.get("enum"):
        return schema["const"] if "const" in schema else schema["enum"][definitions[_ASKED] % len(schema["enum"])]
    if "$ref" in schema:
        return _fake(definitions.get(schema["$ref"].rsplit("/", 1)[-1], {}), text, definitions, depth + 1)
    for union in ("anyOf", "oneOf", "allOf"):
        if choices := [choice for choice in schema.get(union, ()) if choice.get("type") != "null"]:
            return _fake(choices[0], text, definitions, depth + 1)
    match _kind(schema):
        case "object":
            return _object(schema, text, definitions, depth)
        case "array":
            return _array(schema, text, definitions, depth)
        case "integer" | "number" as kind:
            return _number(schema, whole=kind == "integer")
        case "boolean" | "null" as kind:
            return definitions[_ASKED] % 2 == 1 if kind == "boolean" else None
        case _:
            return _string(schema, text)


def _kind(schema: dict[str, Any]) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else None)
    return next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind


def _object(schema: dict[str, Any], text: str, definitions: dict[str, Any], depth: int) -> dict[str, Any]:
    needed = required_names(schema)
    return {
        name: _fake(part, text, definitions, depth + 1)
        for name, part in properties(schema).items()
        if name in needed or (_is_empty_text(part) and depth <= _MAX_DEPTH)
    }


def _is_empty_text(schema: Any) -> bool:
    """Whether an optional property is a text, or a list of texts, that would be empty: the place for an answer."""
    if not isinstance(schema, dict) or schema.get("default"):
        return False
    if schema.get("type") == "string":
        return bool(schema.get("default", "") == "")
    lists = [one for one in (schema, *schema.get("anyOf", ())) if isinstance(one, dict) and one.get("type") == "array"]
    return any(isinstance(one.get("items"), dict) and one["items"].get("type") == "string" for one in lists)


def _array(schema: dict[str, Any], text: str, definitions: dict[str, Any], depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [_fake(part, text, definitions, depth + 1) for part in schema["prefixItems"]]
    least = int(schema.get("minItems", 0))
    count = max(least, 1) if depth <= _MAX_DEPTH else least
    return [_fake(schema.get("items", {}), text, definitions, depth + 1) for _ in range(count)]


def _number(schema: dict[str, Any], *, whole: bool) -> int | float:
    value: float = 1
    step = 1 if whole else 1e-3
    if (least := schema.get("minimum")) is not None:
        value = max(value, least)
    if (above := schema.get("exclusiveMinimum")) is not None and value <= above:
        value = above + step
    if (most := schema.get("maximum")) is not None and value > most:
        value = most
    if (below := schema.get("exclusiveMaximum")) is not None and value >= below:
        value = below - step
    if factor := schema.get("multipleOf"):
        value = -(-value // factor) * factor
    return int(value) if whole else float(value)


def _string(schema: dict[str, Any], text: str) -> str:
    value = _FORMATS.get(schema.get("format", ""), text)
    value = value.ljust(int(schema.get("minLength", 0)), ".")
    return value[: int(schema.get("maxLength", len(value)))]
