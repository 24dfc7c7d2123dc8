"""Values that schemas accept: what is sent in a field that is neither message nor session."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statecheck.source.json_schema import Schemas
from statecheck.source.schema_checks import schemas_accept
from statecheck.source.schema_samples import make_sample

DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Name": {"type": "string", "minLength": 9},
            "Point": {
                "type": "object",
                "properties": {"x": {"type": "number"}, "label": {"$ref": "#/components/schemas/Name"}},
                "required": ["x", "label"],
                "additionalProperties": False,
            },
            "Tree": {
                "type": "object",
                "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
            },
            "Endless": {
                "type": "object",
                "properties": {"e": {"$ref": "#/components/schemas/Endless"}},
                "required": ["e"],
            },
            "Round": {"$ref": "#/components/schemas/Round"},
            "Color": {"type": "string", "enum": ["red", "blue"]},
            "a/b~c": {"const": "odd"},
            "Cat": {
                "type": "object",
                "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}},
                "required": ["kind", "lives"],
            },
            "Dog": {
                "type": "object",
                "properties": {"kind": {"const": "dog"}, "name": {"type": "string"}},
                "required": ["kind", "name"],
            },
        }
    }
}
REF = "#/components/schemas/"
SCHEMAS: dict[str, tuple[Any, Any]] = {
    "nothing": ({}, "sample"),
    "text": ({"type": "string"}, "sample"),
    "whole number": ({"type": "integer"}, 1),
    "boolean": ({"type": "boolean"}, False),
    "const": ({"const": "x"}, "x"),
    "const beside a wrong default": ({"const": 3, "default": 4}, 3),
    "enum": ({"enum": ["b", "a"]}, "b"),
    "enum of a type": ({"type": "string", "enum": [1, "a"]}, "a"),
    "default": ({"type": "string", "default": "d"}, "d"),
    "example": ({"type": "integer", "example": 7}, 7),
    "examples": ({"type": "integer", "examples": [8]}, 8),
    "an example that does not fit": ({"type": "integer", "example": "seven"}, 1),
    "the second example fits": ({"type": "string", "maxLength": 2, "examples": ["long", "ok"]}, "ok"),
    "reference": ({"$ref": f"{REF}Color"}, "red"),
    "nested references": ({"$ref": f"{REF}Point"}, {"x": 1, "label": "samplexxx"}),
    "escaped reference": ({"$ref": f"{REF}a~1b~0c"}, "odd"),
    "recursive reference": ({"$ref": f"{REF}Tree"}, {}),
    "list of references": (
        {"type": "array", "items": {"$ref": f"{REF}Point"}, "minItems": 2},
        [{"x": 1, "label": "samplexxx"}] * 2,
    ),
    "allOf": ({"allOf": [{"$ref": f"{REF}Name"}, {"maxLength": 10}, {"minLength": 10}]}, "samplexxxx"),
    "allOf of objects": (
        {
            "allOf": [
                {"$ref": f"{REF}Cat"},
                {"type": "object", "required": ["age"], "properties": {"age": {"minimum": 3}}},
            ]
        },
        {"kind": "sample", "lives": 1, "age": 3},
    ),
    "allOf of one property": (
        {
            "allOf": [
                {"properties": {"a": {"minLength": 8}}},
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            ]
        },
        {"a": "samplexx"},
    ),
    "anyOf": ({"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]}, 5),
    "anyOf beside more": ({"type": "string", "anyOf": [{"maxLength": 2}, {"pattern": "^z"}]}, "sa"),
    "oneOf where two fit": ({"oneOf": [{"type": "integer"}, {"minimum": 0, "type": "number"}]}, -1),
    "discriminator with a mapping": (
        {
            "oneOf": [{"$ref": f"{REF}Cat"}, {"$ref": f"{REF}Dog"}],
            "discriminator": {"propertyName": "kind", "mapping": {"cat": f"{REF}Cat"}},
        },
        {"kind": "cat", "lives": 1},
    ),
    "discriminator without": (
        {"oneOf": [{"$ref": f"{REF}Cat"}], "discriminator": {"propertyName": "kind"}},
        {"kind": "Cat", "lives": 1},
    ),
    "discriminator with const": (
        {"oneOf": [{"$ref": f"{REF}Dog"}], "discriminator": {"propertyName": "kind", "mapping": {"x": f"{REF}Dog"}}},
        {"kind": "dog", "name": "sample"},
    ),
    "uuid": ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000001"),
    "date": ({"type": "string", "format": "date"}, "2024-01-01"),
    "address": ({"type": "string", "format": "ipv4"}, "127.0.0.1"),
    "mail": ({"type": "string", "format": "email"}, "someone@example.com"),
    "unknown format": ({"type": "string", "format": "colour"}, "sample"),
    "pattern": ({"type": "string", "pattern": "^[A-Z]{3}-\\d{2}$"}, "AAA-11"),
    "pattern with words": ({"pattern": "^(draft|final)$"}, "draft"),
    "pattern with a group": ({"pattern": "^(?:[a-z]+\\.)+com$"}, "a.com"),
    "pattern that looks ahead": ({"pattern": "^(?=.*\\d)[a-z0-9]{8,}$"}, None),
    "pattern and length": ({"pattern": "^\\w+$", "minLength": 12}, "a" * 12),
    "pattern of another dialect": ({"type": "string", "pattern": "\\p{L}+"}, None),
    "range": ({"type": "number", "minimum": 2.5, "maximum": 3}, 2.75),
    "small range": ({"type": "integer", "minimum": 10, "maximum": 12}, 11),
    "exclusive": ({"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6}, 5),
    "exclusive of OpenAPI 3.0": ({"type": "integer", "minimum": 4, "exclusiveMinimum": True, "maximum": 5}, 5),
    "not exclusive in OpenAPI 3.0": ({"type": "integer", "minimum": 4, "exclusiveMinimum": False}, 4),
    "negative": ({"type": "number", "maximum": -1.5}, -1.5),
    "multiple": ({"type": "integer", "multipleOf": 5, "minimum": 7}, 10),
    "multiple alone": ({"type": "integer", "multipleOf": 5}, 5),
    "multiple of a part": ({"type": "number", "multipleOf": 0.25, "exclusiveMinimum": 1}, 1.25),
    "minItems": ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["sample", "sample"]),
    "uniqueItems": ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, None),
    "unique texts": ({"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True}, None),
    "prefixItems": ({"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}], "minItems": 2}, [1, "sample"]),
    "contains": ({"type": "array", "contains": {"const": 4}}, [4]),
    "additionalProperties": (
        {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
        {"sample0": 1, "sample1": 1},
    ),
    "no additionalProperties": (
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False, "minProperties": 1},
        {"a": "sample"},
    ),
    "required without a schema": ({"type": "object", "required": ["a"]}, {"a": "sample"}),
    "one or the other": (
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {}},
            "anyOf": [{"required": ["b"]}, {"required": ["a"]}],
        },
        {"b": "sample"},
    ),
    "dependentRequired": (
        {"type": "object", "required": ["a"], "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
        {"a": "sample", "b": "sample"},
    ),
    "if": (
        {
            "type": "object",
            "properties": {"a": {"const": 1}},
            "required": ["a"],
            "if": {"properties": {"a": {"const": 1}}},
            "then": {"required": ["b"]},
        },
        {"a": 1, "b": "sample"},
    ),
    "not": ({"type": "integer", "not": {"const": 1}}, 0),
    "nullable of OpenAPI 3.0": ({"type": "string", "nullable": True}, "sample"),
    "nullable reference of OpenAPI 3.0": ({"allOf": [{"$ref": f"{REF}Color"}], "nullable": True}, "red"),
    "nullable of OpenAPI 3.1": ({"type": ["null", "integer"]}, None),
    "null alone": ({"type": "null"}, None),
}


def sample(schema: Any) -> tuple[Any, Any]:
    """The schema in the words of JSON Schema, and a value for it."""
    document = Schemas({**DOCUMENT, "schema": schema})
    whole = document.document["schema"]
    return whole, make_sample(whole, {}, document)


def is_valid(schema: Any, value: Any) -> bool:
    registry: Any = Schemas(DOCUMENT).registry
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, registry=registry, format_checker=checker).is_valid(value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_sample_validates(name: str) -> None:
    schema, expected = SCHEMAS[name]
    whole, value = sample(schema)

    if name != "pattern of another dialect":  # jsonschema cannot read it either
        assert is_valid(whole, value)
    assert expected in (value, None)
    assert type(expected) in (type(value), type(None))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": f"{REF}Nowhere"},
        {"$ref": f"{REF}Round"},
        {"$ref": f"{REF}Endless"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": 7},
        {"type": "string", "minLength": "x", "pattern": "("},
        {"type": 7, "enum": 3, "required": True},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"anyOf": "x", "oneOf": []},
        {"type": "object", "properties": []},
        {"type": "array", "items": False, "minItems": 2},
        {"pattern": "((a{999}){999}){999}"},
        {"type": "string", "minLength": 10**9},
        True,
        False,
        None,
    ],
    ids=str,
)
def test_what_no_value_fits_or_is_broken_does_no_harm(schema: Any) -> None:
    sample(schema)


def leaf() -> st.SearchStrategy[dict[str, Any]]:
    lengths = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda pair: (min(pair), min(pair) + max(pair)))
    texts = lengths.map(lambda both: {"type": "string", "minLength": both[0], "maxLength": both[1]})
    patterns = st.sampled_from(["^[a-f0-9]{4}$", "^x-", "\\d+", "^(a|b)c*$", "^[^@ ]+@[a-z]+\\.de$", "^\\S{2,3}$"])
    formats = st.sampled_from(["uuid", "email", "date", "date-time", "ipv4", "uri", "time"])
    bounds = st.tuples(st.integers(-20, 20), st.integers(0, 9))
    wholes = bounds.map(lambda both: {"type": "integer", "minimum": both[0], "maximum": both[0] + both[1]})
    numbers = bounds.map(lambda both: {"type": "number", "exclusiveMinimum": both[0], "maximum": both[0] + both[1] + 1})
    steps = st.tuples(st.sampled_from([2, 3, 0.5, 0.25]), st.integers(-9, 9))
    return st.one_of(
        texts,
        patterns.map(lambda pattern: {"type": "string", "pattern": pattern}),
        formats.map(lambda form: {"type": "string", "format": form}),
        wholes,
        numbers,
        steps.map(lambda both: {"type": "number", "multipleOf": both[0], "minimum": both[1]}),
        st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}]),
        st.lists(st.one_of(st.integers(), st.text(max_size=3), st.booleans()), min_size=1, max_size=3).map(
            lambda values: {"enum": values}
        ),
        st.sampled_from(["Name", "Point", "Tree", "Color", "Cat"]).map(lambda name: {"$ref": f"{REF}{name}"}),
    )


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["a", "b", "c"])
    lists = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)
    )
    objects = st.builds(
        lambda pieces, needed, more: (
            {"type": "object", "properties": pieces, "required": needed}
            | ({} if more else {"additionalProperties": False, "required": [n for n in needed if n in pieces]})
        ),
        st.dictionaries(names, inner, max_size=3),
        st.lists(names, unique=True),
        st.booleans(),
    )
    choices = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        lists,
        objects,
        choices.map(lambda some: {"anyOf": some}),
        inner.map(lambda one: {"oneOf": [one, {"const": "none of the others"}]}),
        inner.map(lambda one: {"allOf": [one, {"title": "more"}]}),
        inner.map(lambda one: {"allOf": [one], "nullable": True}),
        st.dictionaries(names, inner, min_size=1).map(
            lambda pieces: {"allOf": [{"type": "object", "properties": pieces}, {"required": sorted(pieces)}]}
        ),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(leaf(), larger, max_leaves=6))
def test_a_sample_of_any_schema_that_can_be_met_validates(schema: Any) -> None:
    whole, value = sample(schema)

    assert is_valid(whole, value)


@settings(max_examples=150, deadline=None)
@given(leaf(), st.one_of(st.none(), st.booleans(), st.integers(-30, 30), st.floats(-30, 30), st.text(max_size=9)))
def test_what_is_checked_without_the_library_is_what_the_library_says(schema: Any, value: Any) -> None:
    whole = Schemas({**DOCUMENT, "schema": schema}).document["schema"]

    assert schemas_accept(Schemas(DOCUMENT), whole, value) is is_valid(whole, value)
