"""The operations of a GraphQL schema, each told as a route with the request that asks for it."""

from __future__ import annotations

from typing import Any

import strawberry

from statecheck.probe.graphql_operations import add_operations


@strawberry.type
class Said:
    text: str
    thread_id: strawberry.ID


@strawberry.type
class Refused:
    reason: str


@strawberry.input
class Message:
    thread_id: strawberry.ID
    text: str
    language: str | None = None


@strawberry.type
class Query:
    @strawberry.field
    def health(self) -> str:
        raise NotImplementedError


@strawberry.type
class Mutation:
    @strawberry.mutation
    def send_message(self, message: Message, loud: bool = False) -> Said | Refused:
        raise NotImplementedError


def test_an_operation_is_told_with_all_that_it_takes() -> None:
    schema = strawberry.Schema(Query, Mutation)
    page = {"path": "/graphql", "methods": ["GET"], "name": "graphql", "file": "", "line": 0}
    posted = {**page, "methods": ["POST"]}
    facts: dict[str, Any] = {"routes": [page, posted], "openapi": None}

    add_operations(facts)

    assert schema is not None
    (told,) = facts["routes"]
    assert (told["path"], told["methods"], told["name"]) == ("/graphql", ["POST"], "send_message")
    assert told["file"].endswith("test_graphql_operations.py")
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
    schema = strawberry.Schema(Query, Mutation)
    route = {"path": "/chat", "methods": ["POST"], "name": "chat", "file": "", "line": 0}
    facts: dict[str, Any] = {"routes": [route], "openapi": None}

    add_operations(facts)

    assert schema is not None
    assert facts == {"routes": [route], "openapi": None}
