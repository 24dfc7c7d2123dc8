"""The schemas of a document, with what their references lead to, in the words of JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from referencing import Registry

Schema = Mapping[str, Any]  # a piece of a JSON document, whose form is only known piece by piece

NULLABLE = "x-nullable"
"""Set by `Schemas.flatten` where a value may be null."""
_BASE = "urn:statecheck:document"
_LONGEST_CHAIN = 10
_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


class Schemas:
    """What the schemas of one document mean. One that is broken means as much as can be read of it.

    Attributes:
        document: all of it, with its references made absolute and OpenAPI 3.0's own words replaced.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document: Mapping[str, Any] = modernize(document)

    @cached_property
    def registry(self) -> Registry[Any]:
        """The document, as `referencing` and `jsonschema` look it up."""
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        resource = DRAFT202012.create_resource(self.document)
        registry: Registry[Any] = Registry().with_resource(_BASE, resource)
        return registry

    def resolve(self, schema: object) -> Schema:
        """Return a schema with its `$ref` replaced by what it leads to; what stands beside it holds as well."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(schema, Mapping):
                return {}
            if not isinstance(schema.get("$ref"), str):
                return schema
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._lookup(schema["$ref"]), **rest}
        return {}

    def _lookup(self, reference: str) -> Schema:
        from referencing.exceptions import Unresolvable

        try:
            found = self.registry.resolver(_BASE).lookup(reference).contents
        except (Unresolvable, ValueError, TypeError, KeyError):
            return {}
        return found if isinstance(found, Mapping) else {}

    def flatten(self, schema: object) -> Schema:
        """Return a schema with references and `allOf` resolved, of `anyOf` and `oneOf` the first that is not null."""
        for _ in range(_LONGEST_CHAIN):
            found = self.resolve(schema)
            if isinstance(found.get("allOf"), list):
                schema = self.merge_parts(found)
            elif choices := list_of(found, "anyOf") or list_of(found, "oneOf"):
                real = list(self.branches(found))
                nullable = len(real) < len(choices) or found.get(NULLABLE)
                schema = {**(real[0] if real else without_choices(found)), NULLABLE: nullable}
            elif isinstance(found.get("type"), list):
                kinds = [kind for kind in found["type"] if kind != "null"]
                nullable = "null" in found["type"] or found.get(NULLABLE)
                schema = {**found, "type": kinds[0] if len(kinds) == 1 else "", NULLABLE: nullable}
            else:
                return found
        return {}

    def merge_parts(self, schema: Schema) -> Schema:
        """Return a schema with its `allOf` laid into it."""
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in list_of(schema, "allOf"):
            found = self.resolve(part)
            merged = merge(merged, self.merge_parts(found) if "allOf" in found else found)
        return merged

    def branches(self, schema: Schema) -> Iterator[Schema]:
        """Yield what a schema is with each of its choices; left out is that it may be null."""
        key = "anyOf" if list_of(schema, "anyOf") else "oneOf"
        rest = {name: value for name, value in schema.items() if name not in (key, "discriminator")}
        for choice in list_of(schema, key):
            found = self.resolve(choice)
            if found.get("type") != "null":
                yield merge(rest, self._chosen(schema, choice, found))

    def _chosen(self, schema: Schema, choice: object, found: Schema) -> Schema:
        """Return a choice with the value of the property by which it is told from the others."""
        teller = schema.get("discriminator")
        name = teller.get("propertyName") if isinstance(teller, Mapping) else None
        reference = choice.get("$ref") if isinstance(choice, Mapping) else None
        if not isinstance(teller, Mapping) or not isinstance(name, str) or not isinstance(reference, str):
            return found
        mapping = teller.get("mapping")
        spelled = mapping.items() if isinstance(mapping, Mapping) else ()
        value = next((word for word, leads in spelled if reference.endswith(str(leads))), reference.rpartition("/")[2])
        known = self.resolve((found.get("properties") or {}).get(name))
        if "const" in known or "enum" in known:
            return found
        return merge({"properties": {name: {"const": value}}, "required": [name]}, self.merge_parts(found))


def modernize(piece: Any) -> Any:
    """Return a document with `nullable`, boolean bounds and relative references in the words of JSON Schema."""
    if isinstance(piece, list):
        return [modernize(inner) for inner in piece]
    if not isinstance(piece, Mapping):
        return piece
    found = {key: modernize(value) for key, value in piece.items()}
    for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if found.get(exclusive) is True and plain in found:
            found[exclusive] = found.pop(plain)
        elif isinstance(found.get(exclusive), bool):
            del found[exclusive]
    if isinstance(found.get("$ref"), str) and found["$ref"].startswith("#"):
        found["$ref"] = f"{_BASE}{found['$ref']}"
    if found.get("nullable") is True:
        del found["nullable"]
        if isinstance(found.get("type"), str):
            return {**found, "type": [found["type"], "null"]}
        return {"anyOf": [found, {"type": "null"}]}
    return found


def list_of(schema: Schema, key: str) -> list[Any]:
    """Return a keyword's list, [] where it has none."""
    found = schema.get(key)
    return found if isinstance(found, list) else []


def without_choices(schema: Schema) -> Schema:
    """Return a schema without `anyOf` and `oneOf`."""
    return {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}


def merge(first: Schema, second: Schema) -> Schema:
    """Return a schema that asks for what both ask for, as far as one schema can say it; else the first holds."""
    merged = {**second, **first}
    for key in merged.keys() & first.keys() & second.keys():
        merged[key] = _both(key, first[key], second[key])
    return merged


def _both(key: str, one: Any, other: Any) -> Any:
    if key == "properties" and isinstance(one, Mapping) and isinstance(other, Mapping):
        both = [name for name in one if name in other and one[name] != other[name]]
        shared = {name: {"allOf": [one[name], other[name]]} for name in both}
        return {**one, **{name: piece for name, piece in other.items() if name not in one}, **shared}
    if key == "required" and isinstance(one, list) and isinstance(other, list):
        return [*one, *(name for name in other if name not in one)]
    if key == "enum" and isinstance(one, list) and isinstance(other, list):
        return [value for value in one if value in other] or one
    if key in _LARGER and _are_numbers(one, other):
        return max(one, other)
    if key in _SMALLER and _are_numbers(one, other):
        return min(one, other)
    return one


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
