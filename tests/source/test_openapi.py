"""What OpenAPI documents say of requests, as fields; broken ones too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statecheck.source.openapi import Operation, read_operations


def document(schema: Any, version: str = "3.1.0", **schemas: Any) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {
        "openapi": version,
        "paths": {"/chat": {"post": {"requestBody": body, "responses": {}}}},
        "components": {"schemas": schemas},
    }


def read(schema: Any, version: str = "3.1.0", **schemas: Any) -> Operation:
    (operation,) = read_operations(document(schema, version, **schemas))
    return operation


def values(operation: Operation) -> dict[str, Any]:
    return {".".join(field.place.path): field.value for field in operation.fields}


ASK = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "session_id": {"type": "string", "format": "uuid"},
        "history": {"type": "array", "items": {"$ref": "#/components/schemas/Turn"}},
    },
    "required": ["message", "session_id"],
}
TURN = {"type": "object", "properties": {"role": {"enum": ["user", "bot"]}, "text": {"type": "string"}}}
EXTENDED = {
    "allOf": [{"$ref": "#/components/schemas/Ask"}, {"properties": {"tone": {"enum": ["dry"]}}, "required": ["tone"]}]
}


@pytest.mark.parametrize(
    ("schema", "more"),
    [
        ({"$ref": "#/components/schemas/Ask"}, {}),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Ask"}]}, {}),
        ({"allOf": [{"$ref": "#/components/schemas/Ask"}], "nullable": True}, {}),
        (EXTENDED, {"tone": "dry"}),
        (
            {
                "oneOf": [{"$ref": "#/components/schemas/Ask"}, {"$ref": "#/components/schemas/Turn"}],
                "discriminator": {"propertyName": "kind", "mapping": {"ask": "#/components/schemas/Ask"}},
            },
            {"kind": "ask"},
        ),
    ],
    ids=["reference", "optional", "nullable", "extended", "told apart"],
)
def test_fields_keep_what_says_their_roles_however_they_are_referred_to(schema: Any, more: dict[str, Any]) -> None:
    operation = read(schema, Ask=ASK, Turn=TURN)
    fields = {field.name: field for field in operation.fields}

    assert [field.name for field in operation.fields if field.name not in more] == ["message", "session_id", "history"]
    assert (fields["message"].type, fields["message"].required, fields["message"].limited) == ("string", True, False)
    assert fields["session_id"].form == "uuid"
    assert fields["history"].turn_keys == ("role", "text")
    assert {name: (fields[name].value, fields[name].limited) for name in more} == {
        n: (v, True) for n, v in more.items()
    }


@pytest.mark.parametrize(
    ("version", "schema"), [("3.0.3", {"type": "string", "nullable": True}), ("3.1.0", {"type": ["string", "null"]})]
)
def test_a_text_that_may_be_null_is_a_text(version: str, schema: Any) -> None:
    (field,) = read({"type": "object", "properties": {"session_id": schema}}, version).fields

    assert (field.type, field.required, field.generated, field.value) == ("string", False, False, "sample")


def test_a_field_that_is_a_part_of_another_is_filled_by_its_own_schema() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Inner"}, "all": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}, "minItems": 1}}, "required": ["a"]}  # fmt: skip # noqa: E501 - one schema

    assert values(read(schema, Inner=inner)) == {"a.n": 3, "all": [{"n": 3}]}


def test_parameters_and_answers_are_resolved_too() -> None:
    text = document({"type": "object", "properties": {"q": {"type": "string"}}}, Reply={"properties": {"session": {}}})
    text["paths"]["/chat"]["parameters"] = [{"$ref": "#/components/parameters/who"}]
    text["components"]["parameters"] = {"who": {"in": "header", "name": "X-Who", "required": True, "schema": {}}}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply"}}}}
    text["paths"]["/chat"]["post"]["responses"] = {"200": answer}
    (operation,) = read_operations(text)

    assert [str(field.place) for field in operation.fields] == ["header X-Who", "body q"]
    assert operation.answers == {"session"}


def test_what_has_no_operations_says_nothing() -> None:
    documents: tuple[Any, ...] = (
        None,
        [],
        "x",
        {},
        {"paths": None},
        {"paths": {"/": None}},
        {"paths": {"/": {"get": 1}}},
    )
    for broken in documents:
        assert [operation.fields for operation in read_operations(broken)] in ([], [()])


_WORDS = (
    *("type", "properties", "items", "required", "allOf", "anyOf", "oneOf", "enum", "const", "default", "example"),
    *("examples", "pattern", "minLength", "maximum", "format", "$ref", "discriminator", "nullable", "in", "name"),
    *("schema", "content", "application/json", "additionalProperties", "minItems", "parameters", "requestBody"),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.sampled_from(["string", "object", "array", "query", "#/components/schemas/A", "(", "#/paths", "x"]),
)
_JUNK = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*_WORDS, "a"]), inner, max_size=5)
    ),
    max_leaves=14,
)


@settings(max_examples=150, deadline=None)
@given(_JUNK, _JUNK, _JUNK)
def test_a_broken_document_does_no_harm(schema: Any, other: Any, operation: Any) -> None:
    read_operations(document(schema, A=other))
    read_operations({"paths": {"/x": {"post": operation, "parameters": other}}})
