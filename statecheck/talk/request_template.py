"""Writing a plan down: a request template from the roles that its fields were given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from statecheck.model import Anchor
from statecheck.probe.offline import is_secret
from statecheck.source import weights
from statecheck.source.clients.calls import path_fields
from statecheck.source.fields import ELEMENT, FILE, Encoding, Field, Form, plain
from statecheck.source.roles import as_set, leaning, words
from statecheck.talk.field_roles import Choice, overlay_fields, sample_value
from statecheck.talk.plan import HISTORY, MESSAGE, MESSAGES, SESSION, USER, Elsewhere, Json, Plan, Route, kind_of
from statecheck.talk.tenants import is_numbered, move_elsewhere
from statecheck.talk.variations import find_owners, flip_flags, leave_keys_out, list_unflipped, vary_alone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from statecheck.source.clients.clients import Call
    from statecheck.talk.endpoints import Endpoint

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sending:
    """How requests to an endpoint are written.

    Attributes:
        call: the client code that is followed, or None.
        headers: that the user wants to be sent with each.
    """

    endpoint: Endpoint
    call: Call | None
    project: Path
    headers: Pairs

    def fields(self) -> tuple[Field, ...]:
        """Return what is sent: as the client code does, with what the endpoint needs besides."""
        if self.call is None:
            return self.endpoint.fields
        spelled = path_fields(self.call.path, self.endpoint.path)
        return overlay_fields((*spelled, *self.call.fields), self.endpoint.fields)


def draft_plan(sending: Sending, choice: Choice, given: Field | None = None) -> Plan:
    """Return the plan for an endpoint, with its fields' roles chosen.

    Args:
        sending: the endpoint.
        choice: the fields' roles.
        given: the field whose value the app gives, if it gives one: others are the client's own then.
    """
    plan = _draft(sending, choice, given)
    taken = sending.endpoint.fields
    keyless = leave_keys_out(choice, taken) if given is None else None
    return replace(
        plan,
        varied=vary_alone(choice),
        elsewhere=_draft_elsewhere(sending, choice) if given is None else None,
        keyless=_draft(sending, keyless) if keyless is not None else None,
        flags=tuple((said, _draft(sending, each, given)) for said, each in flip_flags(choice, taken)),
        unflipped=list_unflipped(choice, taken),
    )


def _draft_elsewhere(sending: Sending, choice: Choice) -> Elsewhere | None:
    moved = move_elsewhere(choice, sending.endpoint.fields)
    if moved is None:
        return None
    tenant, there = moved
    said = f"`{tenant.place}` = {tenant.value}"
    return Elsewhere(str(tenant.place), said, _draft(sending, there), numbered=is_numbered(tenant, there))


_MAIL = as_set("email mail")


def _draft(sending: Sending, choice: Choice, given: Field | None = None) -> Plan:
    others = tuple(field for field in choice.sessions if field != given)
    alone = next((f for f in choice.extras if f.limited and says_who(f)), None) if not choice.sessions else None
    return replace(
        fill_request(sending, assign_values(choice, given)),
        message_field=str(choice.message.place),
        session_field=str(choice.sessions[0].place) if choice.sessions else None,
        session_form=session_form(others if given is not None else choice.sessions),
        carries_history=choice.history is not None or choice.message.turn_keys is not None,
        lone=str(alone.place) if alone is not None else "",
        why=(_why_endpoint(sending.endpoint), *_why_client(sending.call), *choice.why),
        turn_keys=(choice.message.turn_keys or (choice.history and choice.history.turn_keys) or ("role", "content")),
        turn_more=next((each.turn_more for each in (choice.message, choice.history) if each and each.turn_keys), ()),
        turn_parts=next((each.parts for each in (choice.message, choice.history) if each and each.turn_keys), None),
    )


def fill_request(sending: Sending, values: Sequence[tuple[Field, Json]]) -> Plan:
    """Return a request to an endpoint with these values in its fields, as a plan of which no more is said."""
    endpoint, call = sending.endpoint, sending.call
    encoding: Encoding = call.encoding if call is not None and call.encoding != "none" else endpoint.encoding
    bodies = [(field, value) for field, value in values if field.place.where == "body"]
    if bodies and encoding == "none":  # a body that is read as it is, and not taken apart, is a text
        text = kind_of(endpoint.method) == "http" and all(value == MESSAGE and not f.place.path for f, value in bodies)
        encoding = "text" if text else "json"
    path = endpoint.path
    for field, value in values:
        if field.place.where == "path":
            path = path.replace(f"{{{field.name}}}", _text(value))
    return Plan(
        kind=kind_of(endpoint.method),
        method=endpoint.method,
        path=path,
        query=pairs_in(values, "query"),
        headers=merge_headers(pairs_in(values, "header"), sending.headers),
        cookies=pairs_in(values, "cookie"),
        encoding=encoding if bodies else "none",
        body=build_body(bodies, encoding) if bodies else None,
        handler=anchor_of(endpoint.route, sending.project),
        streams=endpoint.handler is not None and endpoint.handler.streams,
    )


def assign_values(choice: Choice, given: Field | None = None) -> list[tuple[Field, Json]]:
    """Return the fields that are sent, in their own order, each with what is sent in it."""
    form = session_form(choice.sessions)
    values: list[tuple[Field, Json]] = [(choice.message, _message(choice.message))]
    owners = find_owners(choice) if given is None else ()
    for n, field in enumerate(choice.sessions):
        value = _session(field, form, n, given)
        owns = field in owners and isinstance(value, str)
        values.append((field, str(value).replace(SESSION, USER) if owns else value))
    values += [(choice.history, HISTORY)] if choice.history is not None else []
    values += [(field, sample_value(field)) for field in choice.extras]
    return sorted(values, key=lambda pair: choice.order.index(pair[0]))


def says_who(field: Field) -> bool:
    """Whether a field's name is that of a user or of a credential."""
    return leaning(field.name) <= weights.NAMED_SESSION or is_secret(field.name) or plain(field.name) == "authorization"


def _message(field: Field) -> Json:
    if field.turn_keys is not None:
        return MESSAGES
    if field.parts is not None:
        return field.parts
    return [MESSAGE] if field.type == "array" else MESSAGE


def session_form(sessions: Sequence[Field]) -> Form:
    """Return what the formats of the fields that say who is talking ask of a session key."""
    if not sessions or sessions[0].form != "token":
        return sessions[0].form if sessions else "token"
    return "uuid" if any(field.form == "uuid" for field in sessions) else "token"


def _session(field: Field, form: Form, position: int, given: Field | None) -> Json:
    """Return what is sent in a field that says who is talking; beside one of another type it is bent to fit."""
    if given is not None and field != given:
        return field.dress.replace(SESSION, USER) if field.form != "integer" else sample_value(field) or 1
    if position == 0 or field.form == form:
        return _dress(field)
    if field.form == "integer":
        return sample_value(field) or 1
    return f"sc-{SESSION}" if form == "integer" else _dress(field)


def _dress(field: Field) -> str:
    """Return how a key is written in a field: as an address of e-mail in one that is named for it."""
    named = field.form == "token" and field.dress == SESSION and _MAIL & {*words(field.name)}
    return f"{SESSION}@example.com" if named else field.dress


def _text(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def pairs_in(values: Sequence[tuple[Field, Json]], where: str) -> Pairs:
    """Return the names and values that travel in the query, the headers or the cookies."""
    return tuple((f.name, _credential(f, _text(value))) for f, value in values if f.place.where == where)


def _credential(field: Field, value: str) -> str:
    """Return a value as its header wants it: an `Authorization` names its scheme."""
    scheme = field.place.where == "header" and plain(field.name) == "authorization" and " " not in value
    return f"Bearer {value}" if scheme else value


def merge_headers(pairs: Pairs, more: Pairs) -> Pairs:
    """Return headers with others in place of those of the same names."""
    given = {name.lower() for name, _ in more}
    return (*(pair for pair in pairs if pair[0].lower() not in given), *more)


def build_body(values: Sequence[tuple[Field, Json]], encoding: Encoding) -> Json:
    """Return the body in which values travel, each at its own path."""
    body: dict[str, Json] = {}
    for field, value in values:
        steps = [step for step in field.place.path if step != ELEMENT]
        if not steps:
            return value
        inner = body
        for step in steps[:-1]:
            inner = cast("dict[str, Json]", inner.setdefault(step, {}))
        inner[steps[-1]] = value if encoding == "json" or value in (MESSAGES, HISTORY, FILE) else _text(value)
    return body


def anchor_of(route: Route, project: Path) -> Anchor | None:
    """Return where the function of a route is, relative to the project where it lies below it."""
    from pathlib import Path

    if not route.file:
        return None
    file = Path(route.file)
    try:
        return Anchor(file.resolve().relative_to(project.resolve()).as_posix(), route.line)
    except ValueError:
        return Anchor(file.as_posix(), route.line)


def _why_endpoint(endpoint: Endpoint) -> str:
    signs = ", ".join(endpoint.signs) or "no other does better"
    return f"`{endpoint.label}` takes the turns: {signs}"


def _why_client(call: Call | None) -> tuple[str, ...]:
    return (f"the request is what {call.file}:{call.line} sends",) if call is not None else ()
