"""The operations of an app's GraphQL schema: each is told as a route of its own, with the request that asks for it.

Strawberry, Graphene and Ariadne all make a schema of graphql-core's, which is found where it lies.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from .adapters.offer import location
from .adapters.workflows import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 40
_DEEPEST = 3
_SCALARS = {"Int": "integer", "Float": "number", "Boolean": "boolean", "String": "string", "ID": "string"}


def add_operations(facts: dict[str, Any]) -> None:
    """Put the operations of the app's schema in place of its GraphQL endpoint in the facts, if it has one."""
    schema = _find_schema()
    if schema is None:
        return
    routes = list(facts["routes"])
    served = next((each for each in routes if "graphql" in each["path"].lower()), None)
    if served is None and any("POST" in each["methods"] for each in routes):
        return  # it is asked from elsewhere
    path = served["path"] if served is not None else "/graphql"
    document = Document(facts.get("openapi"))
    operations = []
    for kind, name, field in list(_list_operations(schema))[:_MOST]:
        key = f"{path}#{name}"
        document.add(key, _describe(kind, name, field), tuple(_names(field.type, 0)))
        file, line = location(_resolver(field))
        told = {"path": path, "methods": ["POST"], "name": _snake(name), "file": file, "line": line}
        operations.append({**told, "document": key})
    facts["routes"] = [*(each for each in routes if each["path"] != path), *operations]
    facts["openapi"] = document.as_json


def _find_schema() -> Any:
    module = sys.modules.get("graphql.type.schema")
    made = getattr(module, "GraphQLSchema", None)
    found = [thing for thing in gc.get_objects() if type(thing) is made] if made is not None else []
    return max(found, key=lambda schema: len(schema.type_map), default=None)


def _list_operations(schema: Any) -> Iterator[tuple[str, str, Any]]:
    """(`mutation` or `query`, its name, graphql-core's field) of each that takes an argument."""
    for kind, of_kind in (("mutation", schema.mutation_type), ("query", schema.query_type)):
        for name, field in of_kind.fields.items() if of_kind is not None else ():
            if field.args:
                yield kind, name, field


def _describe(kind: str, name: str, field: Any) -> dict[str, Any]:
    """The schema of the request that asks for an operation, all of its arguments as variables."""
    kinds = {argument: str(given.type) for argument, given in field.args.items()}
    left_out = {argument for argument, given in field.args.items() if not _is_needed(given)}
    kinds |= {argument: kinds[argument].removesuffix("!") for argument in left_out}
    declared = ", ".join(f"${argument}: {of_kind}" for argument, of_kind in kinds.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    text = f"{kind} {name[:1].upper()}{name[1:]}({declared}) {{ {name}({passed}){_select(field.type, 0)} }}"
    variables = _needed({argument: _schema(given.type, 0) for argument, given in field.args.items()}, field.args)
    body = {"query": {"type": "string", "const": text}, "variables": variables}
    return {"type": "object", "properties": body, "required": list(body)}


def _needed(properties: dict[str, Any], inputs: Any) -> dict[str, Any]:
    """An object's schema; what has no default and may not be null is needed."""
    needed = [name for name, given in inputs.items() if _is_needed(given)]
    return {"type": "object", "properties": properties, "required": needed}


def _is_needed(given: Any) -> bool:
    return str(given.type).endswith("!") and type(given.default_value).__name__ == "UndefinedType"


def _schema(kind: Any, depth: int) -> dict[str, Any]:
    """The JSON schema of an argument's type."""
    if type(kind).__name__ == "GraphQLNonNull":
        return _schema(kind.of_type, depth)
    if type(kind).__name__ == "GraphQLList":
        return {"type": "array", "items": _schema(kind.of_type, depth)}
    if hasattr(kind, "fields"):
        inner = kind.fields if depth < _DEEPEST else {}
        return _needed({name: _schema(given.type, depth + 1) for name, given in inner.items()}, inner)
    if hasattr(kind, "values"):
        return {"type": "string", "enum": list(kind.values)}
    if kind.name == "UUID":
        return {"type": "string", "format": "uuid"}
    return {"type": _SCALARS.get(kind.name, "string")}


def _select(kind: Any, depth: int) -> str:
    """What is asked of an answer: all of it that needs no arguments, down to a depth."""
    kind = _bare(kind)
    if hasattr(kind, "types"):
        return f" {{ __typename {' '.join(f'... on {each.name}{_select(each, depth)}' for each in kind.types)} }}"
    if not hasattr(kind, "fields"):
        return ""
    parts = [f"{name}{_select(field.type, depth + 1)}" for name, field in _open_fields(kind, depth)]
    return f" {{ {' '.join(parts or ['__typename'])} }}"


def _open_fields(kind: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """The fields of an answer that can be asked for as they are; deep down only those that have none of their own."""
    for name, field in kind.fields.items():
        if not any(map(_is_needed, field.args.values())) and (
            depth + 1 < _DEEPEST or not hasattr(_bare(field.type), "fields")
        ):
            yield name, field


def _names(kind: Any, depth: int) -> Iterator[str]:
    """The names in an answer."""
    kind = _bare(kind)
    for name, field in _open_fields(kind, depth) if hasattr(kind, "fields") else ():
        yield name
        yield from _names(field.type, depth + 1)


def _bare(kind: Any) -> Any:
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    return kind


def _resolver(field: Any) -> Any:
    """The function of the app's that answers: Strawberry wraps it, and says so."""
    own = (field.extensions or {}).get("strawberry-definition")
    return getattr(getattr(own, "base_resolver", None), "wrapped_func", None) or field.resolve


def _snake(name: str) -> str:
    """`sendMessage` as Python has it: `send_message`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
