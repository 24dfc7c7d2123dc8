"""The operations of a GraphQL schema, each told as a route with the request that asks for it."""

from __future__ import annotations

from typing import Any

from statecheck.probe.graphql_operations import add_operations


def make_schema() -> object:
    """A schema, to be found where it lives."""
    import strawberry
    from graphql_schema import Mutation, Query

    return strawberry.Schema(Query, Mutation)


def test_an_operation_is_told_with_all_that_it_takes() -> None:
    schema = make_schema()
    page = {"path": "/graphql", "methods": ["GET"], "name": "graphql", "file": "", "line": 0}
    posted = {**page, "methods": ["POST"]}
    facts: dict[str, Any] = {"routes": [page, posted], "openapi": None}

    add_operations(facts)

    assert schema is not None
    (told,) = facts["routes"]
    assert (told["path"], told["methods"], told["name"]) == ("/graphql", ["POST"], "send_message")
    assert told["file"].endswith("graphql_schema.py")
    body = facts["openapi"]["paths"]["/graphql#sendMessage"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"] == {
        "query": {
            "type": "string",
            "const": "mutation SendMessage($message: Message!, $loud: Boolean) "
            "{ sendMessage(message: $message, loud: $loud) "
            "{ __typename ... on Said { text threadId } ... on Refused { reason } } }",
        },
        "variables": {
            "type": "object",
            "properties": {
                "message": {
                    "type": "object",
                    "properties": {
                        "threadId": {"type": "string"},
                        "text": {"type": "string"},
                        "language": {"type": "string"},
                    },
                    "required": ["threadId", "text"],
                },
                "loud": {"type": "boolean"},
            },
            "required": ["message"],
        },
    }


def test_an_app_that_answers_elsewhere_keeps_its_routes() -> None:
    schema = make_schema()
    route = {"path": "/chat", "methods": ["POST"], "name": "chat", "file": "", "line": 0}
    facts: dict[str, Any] = {"routes": [route], "openapi": None}

    add_operations(facts)

    assert schema is not None
    assert facts == {"routes": [route], "openapi": None}
