"""JSON-RPC 2.0: a request names a method, and what belongs to the conversation stands in its `params`."""

from __future__ import annotations

from dataclasses import replace

from statecheck.source.fields import Field, Json, Place

_ENVELOPE: dict[str, Json] = {"jsonrpc": "2.0", "id": 1}
"""What every request has besides its method and params; one without an id is not answered."""


def fill_envelope(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return the fields of a request with those of JSON-RPC's envelope settled, where it is such a request."""
    top = {field.place.path[0] for field in fields if field.place.where == "body" and field.place.path}
    if not {"method", "params"} <= top:
        return fields
    filled = [field for field in fields if not _is_envelope(field)]
    filled = [replace(f, limited=True, required=True) if f.place == Place("body", ("method",)) else f for f in filled]
    for name, value in _ENVELOPE.items():
        filled.append(Field(Place("body", (name,)), value=value, known=True, limited=True))
    return tuple(filled)


def _is_envelope(field: Field) -> bool:
    return field.place.where == "body" and len(field.place.path) == 1 and field.place.path[0] in _ENVELOPE
