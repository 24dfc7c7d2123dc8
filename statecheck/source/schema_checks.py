"""Whether a value is one that a schema accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from statecheck.source.json_schema import Schema, Schemas, list_of

FORMATS = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "uuid4": "00000000-0000-4000-8000-000000000001",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00+00:00",
    "time": "12:00:00Z",
    "duration": "PT1M",
    "uri": "http://localhost/",
    "iri": "http://localhost/",
    "hostname": "localhost",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "byte": "c2FtcGxl",
    "json-pointer": "/sample",
    "regex": "sample",
}
"""For each format a text that has it."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SAYS_NOTHING = frozenset(
    ("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "x-nullable")
)
_BOUNDS = ("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_CHECKED_HERE = frozenset((*_BOUNDS, "type", "const", "enum", "anyOf"))
_OF_ELEMENTS = frozenset(("items", "maxItems", "uniqueItems", "properties", "additionalProperties", "maxProperties"))
_UNCHECKED = ("int32", "int64", "float", "double", "password")


def schemas_accept(schemas: Schemas, schema: Schema, value: Any) -> bool:
    """Whether a value is valid; a schema that is broken refuses none."""
    known = _check_plainly(schema, value)
    if known is not None:
        return known
    import jsonschema  # late: most schemas are plain

    try:
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        registry: Any = schemas.registry
        validator = jsonschema.Draft202012Validator(schema, format_checker=checker, registry=registry)
        return bool(validator.is_valid(value))
    except Exception:  # noqa: BLE001 - whatever a broken schema makes of a validator
        return True


def _check_plainly(schema: Schema, value: Any) -> bool | None:
    """Say whether a value is valid where that takes no library, which takes a while to import; else None."""
    words = schema.keys() - _SAYS_NOTHING
    form = str(schema.get("format", ""))
    if form in _UNCHECKED or (form and value == FORMATS.get(form)):
        words -= {"format"}
    if value in ([], {}):
        words -= _OF_ELEMENTS
    kind = schema.get("type", "")
    if not words <= _CHECKED_HERE or (kind and not (isinstance(kind, str) and kind in _TYPES)):
        return None
    try:
        checks = [_is_of(value, kind), _is_listed(schema, value), _is_within(schema, value)]
    except (TypeError, re.error):
        return None
    if "anyOf" in schema:
        choices = [_check_plainly(each, value) if isinstance(each, Mapping) else None for each in schema["anyOf"]]
        checks.append(True if True in choices else None if None in choices else False)
    return False if False in checks else None if None in checks else True


def _is_of(value: Any, kind: str) -> bool | None:
    if not kind or (isinstance(value, _TYPES[kind]) and isinstance(value, bool) is (kind == "boolean")):
        return True
    return None if kind == "integer" and isinstance(value, float) else False  # 1.0 is one


def _is_listed(schema: Schema, value: Any) -> bool | None:
    """Whether a value is the one of `const`, or one of `enum`; None if it may only look otherwise, as 1.0 does."""
    listed = [*([schema["const"]] if "const" in schema else ()), *list_of(schema, "enum")]
    return True if not listed or any(one == value and type(one) is type(value) for one in listed) else None


def _is_within(schema: Schema, value: Any) -> bool:
    if isinstance(value, str):
        bounded = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return bounded and re.search(str(schema.get("pattern", "")), value) is not None
    if not is_number(value):
        return True
    inside = schema.get("minimum", value) <= value <= schema.get("maximum", value)
    above = "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]
    return inside and above and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])


def is_number(value: Any) -> bool:
    """Whether a value is a number; a boolean is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
