"""A GraphQL schema as people write one: a module of its own, since to import Strawberry takes a while."""

from __future__ import annotations

import strawberry


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
