"""GraphQL over HTTP: what an operation takes is sent as variables beside its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.source.clients.calls import is_operation
from statecheck.source.fields import Field, Place, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.source.clients.clients import Call

VARIABLES = "variables"
_QUERY = Place("body", ("query",))


def settle_query(fields: tuple[Field, ...], calls: Sequence[Call]) -> tuple[Field, ...]:
    """Return the fields of a request with the text of its operation settled, as a client spells it; else as they are.

    A text that asks for an operation is no message, whatever its field is called.
    """
    if not any(f.place.where == "body" and f.place.path[:1] == (VARIABLES,) for f in fields):
        return fields
    texts = (_text_of(call) for call in calls)
    text = next(filter(None, texts), None)
    if text is None or any(field.place == _QUERY and field.known for field in fields):
        return fields
    others = tuple(field for field in fields if field.place != _QUERY)
    return (Field(_QUERY, "string", value=text, known=True, limited=True), *others)


def asks_for(call: Call, name: str) -> bool:
    """Whether client code asks for the operation of this name."""
    return plain(name) in plain(_text_of(call) or "")


def _text_of(call: Call) -> str | None:
    """Return the operation that client code asks for, spelled out, or None."""
    texts = (str(field.value) for field in call.fields if field.place == _QUERY and field.known)
    return next((text for text in texts if is_operation(text)), None)
