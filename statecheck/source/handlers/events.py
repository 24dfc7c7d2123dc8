"""What a Lambda handler reads of its event: the fields of a request behind an API gateway, or the event's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.source.code.resolver import Definition
from statecheck.source.fields import Encoding, Field, Place
from statecheck.source.handlers.flow import Flow
from statecheck.source.handlers.handlers import fields_of, function_at
from statecheck.source.handlers.notes import Traced

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.handlers.project_code import ProjectCode

EVENT = Place("event", ())
_MADE_BY_THE_GATEWAY = frozenset(
    ["requestId", "extendedRequestId", "messageId", "requestTime", "requestTimeEpoch", "timeEpoch", "sourceIp"]
)
_OF_VERSION_2 = frozenset(["http", "rawPath", "rawQueryString", "routeKey", "cookies"])


@dataclass(frozen=True, slots=True)
class Event:
    """What a handler reads of its event.

    Attributes:
        fields: those of the event itself lie at the place `event`, those behind an API gateway where they travel.
        gateway: an API gateway hands the request over: `1.0`, `2.0`, or "" if the event is the request itself.
        encoding: of the body, where a gateway hands one over.
        parsed: the body comes as a mapping, not as the text of one.
    """

    fields: tuple[Field, ...]
    gateway: str
    encoding: Encoding
    parsed: bool = False


def read_event(code: ProjectCode, file: Path, line: int, name: str) -> Event | None:
    """Read the handler that is defined at a line of a file, or None if there is none.

    Args:
        code: the project's code.
        file: where the handler is defined.
        line: its first line, or that of its first decorator.
        name: its name.
    """
    tree = code.tree(file)
    node = function_at(tree, line, name, "") if tree is not None else None
    first = next((a for a in node.args.args if a.arg != "self"), None) if node is not None else None
    if node is None or first is None:
        return None
    flow = Flow(code)
    flow.enter(Definition(file, node), {first.arg: Traced(at=EVENT)})
    read = [field for field in fields_of(flow) if field.place != EVENT]
    fields = tuple(field for field in read if field.place.where != "event" or field.name not in _MADE_BY_THE_GATEWAY)
    behind = bool(flow.notes.encoding) or any(field.place.where != "event" for field in read)
    seen = {step for field in read if field.place.where == "event" for step in field.place.path}
    version = "2.0" if seen & _OF_VERSION_2 else "1.0"
    encoding: Encoding = "form" if flow.notes.encoding == "form" else "json" if flow.notes.encoding else "none"
    if encoding == "form":  # `parse_qs` gives a list for what is sent once
        fields = tuple(replace(field, type="string") if field.type == "array" else field for field in fields)
    parsed = flow.notes.looked_into and not flow.notes.decoded
    return Event(fields, version if behind else "", encoding, parsed)
