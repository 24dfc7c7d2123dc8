"""Error messages that state loss leaves behind, and what they point to: the table behind `explain "MESSAGE"`.

Those of a cause are declared with it; here are those that are faults of another sort. Collected from public threads
and from runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.judge.cause import Symptom
from statecheck.judge.causes import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what it points to.

    Attributes:
        text: the constant core of the message; `*` stands for anything.
        cause: code of the cause, or None if it is a fault of another sort.
        kind: kind within the cause, or None.
        advice: one sentence.
    """

    text: str
    cause: str | None
    kind: str | None
    advice: str


_OF_NO_CAUSE: tuple[Symptom, ...] = (
    Symptom(
        "the memory's token_limit is smaller than what always precedes the history; raise it",
        ("Initial token count exceeds token limit",),
    ),
    Symptom(
        "give the memory a token_limit above 0",
        ("Token limit must be set and greater than 0",),
    ),
    Symptom(
        "a client or memory is used from another event loop; use the async API from end to end",
        (
            "attached to a different loop",
            "Event loop is closed",
            "Detected nested async",
            "asyncio.run() cannot be called from a running event loop",
            "Can't patch loop of type <class 'uvloop.Loop'>",
            "There is no current event loop in thread",
        ),
    ),
    Symptom(
        "a database connection idled too long or outlived its pool; check it when it is taken",
        (
            "the connection is closed",
            "SSL connection has been closed unexpectedly",
        ),
    ),
)


def _flatten(cause: str | None, symptoms: Iterable[Symptom]) -> Iterator[Message]:
    for symptom in symptoms:
        for text in symptom.messages:
            yield Message(text, cause, symptom.kind, symptom.advice)


MESSAGES: tuple[Message, ...] = (
    *(message for cause in CAUSES for message in _flatten(cause.code, cause.symptoms)),
    *_flatten(None, _OF_NO_CAUSE),
)


def find_messages(text: str) -> list[Message]:
    """Return the rows whose message stands in a text, or whose core the text is a part of; the longest first."""
    plain = _plain(text)
    found = [message for message in MESSAGES if _stands_in(message, plain)]
    if not found and len(plain) >= 12 and " " in plain:
        found = [message for message in MESSAGES if plain in _plain(message.text)]
    return sorted(found, key=lambda message: -len(message.text))


def _stands_in(message: Message, plain: str) -> bool:
    parts = [re.escape(part) for part in _plain(message.text).split("*")]
    return re.search(".*".join(parts), plain) is not None


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
