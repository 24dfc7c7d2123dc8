"""The fields of a request: what a client sends, what a server declares, what a handler reads.

One form for all three, so that they can be laid over each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.source.field_evidence import decide

if TYPE_CHECKING:
    from statecheck.source.field_evidence import FieldEvidence

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Where = Literal["path", "query", "header", "cookie", "body", "event"]
Encoding = Literal["json", "form", "multipart", "text", "none"]
Form = Literal["token", "word", "uuid", "capitals", "integer"]
Origin = Literal["", "made", "kept", "learned", "shown"]

FILE: dict[str, Json] = {"filename": "sample.txt", "content": "sample"}
"""What is sent in a field of a multipart body that takes a file."""
MESSAGE = "{message}"
"""Stands for the user's new words."""
BASIC = "Basic {basic}"
"""How a name and a password are written that come with every request."""
ELEMENT = "[]"
"""The step of a path that leads into a list: `("messages", "[]", "content")`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value travels: in a header `("x-user",)`, in a body `("applicant", "id")`, `()` being all of it."""

    where: Where
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where} {'.'.join(self.path)}".strip()

    def matches(self, other: Place) -> bool:
        """Whether both mean the same field, aliases' spelling and an embedding parameter aside."""
        if self.where != other.where:
            return False
        mine, theirs = [plain(part) for part in self.path], [plain(part) for part in other.path]
        if not mine or not theirs:
            return mine == theirs
        shorter, longer = sorted((mine, theirs), key=len)
        return longer[-len(shorter) :] == shorter

    def holds(self, other: Place) -> bool:
        """Whether the other is a part of what travels here."""
        return self.where == other.where and self.path == other.path[: len(self.path)] and self.path != other.path


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request.

    Attributes:
        type: JSON Schema's word, `file`, or "" if unknown.
        required: the server refuses a request without it.
        generated: left out, the server makes up a new value each time (`default_factory=uuid4`).
        form: what its format asks of a session key.
        dress: how a session key is written in it (`{session}@example.com`).
        value: what to send where it is neither message nor session; `known` says that there is one.
        options: values that the code compares it with, `value` first among them.
        demanded: the code refuses a request without it, though what is declared may not say so.
        limited: only some values are taken, `value` among them (keys of a table of constants).
        said: what a client calls the value that it sends (`conversationId`), or "".
        origin: how a client comes by it: `made` for each message, `kept`, `learned` from an answer, `shown` in a
            hidden field of a page, or "" if unknown.
        evidence: what the server's code says of it.
        turn_keys: for a list of messages: the names of the role and of the content in its elements.
        turn_more: what else its elements have to have, with a value for each.
        parts: for a list of typed parts, what is sent to say a text: `[{"type": "text", "text": "{message}"}]`; for a
            list of messages with such contents, the content.
    """

    place: Place
    type: str = ""
    required: bool = True
    generated: bool = False
    form: Form = "token"
    dress: str = "{session}"
    value: Json = None
    known: bool = False
    options: tuple[Json, ...] = ()
    demanded: bool = False
    limited: bool = False
    said: str = ""
    origin: Origin = ""
    evidence: tuple[FieldEvidence, ...] = ()
    turn_keys: tuple[str, str] | None = None
    turn_more: tuple[tuple[str, Json], ...] = ()
    parts: Json = None

    @property
    def leaning(self) -> float:
        """How far the server's code speaks for a message (positive) or for a session (negative)."""
        return decide(self.evidence).leaning

    @property
    def name(self) -> str:
        """The last step of its path."""
        return next((part for part in reversed(self.place.path) if part != ELEMENT), "")


def plain(name: str) -> str:
    """Return a name without case and separators, by which an alias differs: `conversationId`, `Conversation-ID`."""
    return re.sub(r"[^a-z0-9\[\]]", "", name.lower())
