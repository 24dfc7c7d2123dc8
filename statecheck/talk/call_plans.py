"""Writing down how a callable is called: its arguments, or the event of a Lambda handler."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from statecheck.errors import ExitCode, StatecheckError
from statecheck.source import weights
from statecheck.source.fields import ELEMENT, Encoding, Field, Place, plain
from statecheck.source.handlers.callables import Parameter
from statecheck.source.roles import is_setting, leaning
from statecheck.talk.field_roles import Choice, choose_roles, overlay_fields, sample_value
from statecheck.talk.plan import HISTORY, MESSAGE, MESSAGES, SESSION, AppFacts, Json, Plan, a_call
from statecheck.talk.request_template import assign_values, build_body, pairs_in, session_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statecheck.source.clients.calls import Call
    from statecheck.source.handlers.events import Event


def call_plan(
    facts: AppFacts, message: str | None, session: str | None, read: Sequence[Parameter] | None = None
) -> Plan:
    """Return the plan for a plain callable: from its parameters' names, and what its source does with them.

    Args:
        facts: what the running program tells of it.
        message: the parameter that an option names as the message, or None.
        session: the parameter that an option names as the session, or None.
        read: its parameters as its source has them, or None where that cannot be read.

    Raises:
        StatecheckError: it takes nothing, or an option names a parameter that it does not have.
    """
    known = tuple(read) if read is not None else tuple(_named_only(name) for name in facts.parameters)
    fields = tuple(field for parameter in known for field in parameter.fields)
    if not fields:
        raise StatecheckError(
            "no-message-field",
            f"`{facts.object}` takes no argument that could carry a message",
            "name a function that takes the user's text: `app.py:function`",
            ExitCode.INCONCLUSIVE,
        )
    alone = _find_lone_key(fields) if message is None and session is None else None
    if alone is not None:
        why = f"`{_dotted(alone)}` is all that it takes, and state is found by it: the session, without a message"
        given = {p.name: _argument(p, {alone.place: SESSION}) for p in known}
        plan = a_call(session_field=f"argument {_dotted(alone)}", session_form=session_form((alone,)), why=(why,))
        return _place_arguments(plan, known, given)
    chosen = _choose_roles(fields, message, session, "parameter")
    values = {field.place: value for field, value in assign_values(chosen)}
    given = {p.name: _argument(p, values) for p in known if p.required or any(f.place in values for f in p.fields)}
    keyed = f"`{_dotted(chosen.sessions[0])}` the session" if chosen.sessions else "nothing says who is talking"
    how = "names, and by what is done with them" if read is not None else "names"
    plan = a_call(
        message_field=f"argument {_dotted(chosen.message)}",
        session_field=f"argument {_dotted(chosen.sessions[0])}" if chosen.sessions else None,
        session_form=session_form(chosen.sessions),
        carries_history=chosen.history is not None or chosen.message.turn_keys is not None,
        why=(f"`{_dotted(chosen.message)}` is the message and {keyed}, by the parameters' {how}",),
        turn_keys=(chosen.message.turn_keys or (chosen.history and chosen.history.turn_keys) or ("role", "content")),
    )
    return _place_arguments(plan, known, given)


def _place_arguments(plan: Plan, known: Sequence[Parameter], given: Mapping[str, Json]) -> Plan:
    """Return a plan with what is given for parameters where they stand, and by its name where it must be."""
    placed = [parameter for parameter in known if not parameter.keyword]
    last = max((n for n, parameter in enumerate(placed, 1) if parameter.name in given), default=0)
    return replace(
        plan,
        args=tuple(given.get(parameter.name, parameter.default) for parameter in placed[:last]),
        keywords=tuple((p.name, given[p.name]) for p in known if p.keyword and p.name in given),
    )


def _find_lone_key(fields: Sequence[Field]) -> Field | None:
    """Return the one part that a callable takes, where it finds state by it: it draws a number, counts, approves."""
    (field, *others) = fields
    return (
        field
        if not others and field.place.path and field.leaning <= weights.FOUND_BY and field.turn_keys is None
        else None
    )


def event_plan(facts: AppFacts, message: str | None, session: str | None, read: Event) -> Plan:
    """Return the plan for a Lambda handler: its event, as what calls it would make it.

    Args:
        facts: what the running program tells of it.
        message: the field that an option names as the message, or None.
        session: the field that an option names as the session, or None.
        read: what its source reads of the event.

    Raises:
        StatecheckError: it reads nothing that could be a message, or an option names a field that it does not read.
    """
    if not read.fields:
        raise StatecheckError(
            "no-message-field",
            f"nothing that `{facts.object}` reads of its event could be the message",
            "name a function that takes the user's text: `app.py:function`",
            ExitCode.INCONCLUSIVE,
        )
    chosen = _choose_roles(read.fields, message, session, "field of the event")
    behind = f"the event of an API gateway (version {read.gateway})" if read.gateway else "an event of its own form"
    return a_call(
        args=(_event(chosen, read),),
        message_field=str(chosen.message.place),
        session_field=str(chosen.sessions[0].place) if chosen.sessions else None,
        session_form=session_form(chosen.sessions),
        carries_history=chosen.history is not None or chosen.message.turn_keys is not None,
        why=(f"`{facts.object}` is a Lambda handler that takes {behind}", *chosen.why),
        turn_keys=(chosen.message.turn_keys or (chosen.history and chosen.history.turn_keys) or ("role", "content")),
    )


def find_client(read: Event, calls: Sequence[Call]) -> Call | None:
    """Return the client code that asks a handler behind a gateway: what sends its message, or None."""
    chosen = choose_roles(read.fields)
    if not isinstance(chosen, Choice):
        return None
    said = chosen.message.place
    return next((c for c in calls if not c.test and any(f.place.matches(said) for f in c.fields)), None)


def overlay_client(call: Call, read: Event) -> tuple[Field, ...]:
    """Return what client code sends to a handler behind a gateway, which spells headers as the handler reads them."""
    spelled = {field.place.path[0].lower(): field.place for field in read.fields if field.place.where == "header"}
    sent = [
        replace(field, place=spelled.get(field.name.lower(), field.place)) if field.place.where == "header" else field
        for field in call.fields
    ]
    return overlay_fields(sent, read.fields)


def _event(chosen: Choice, read: Event) -> Json:
    """Return the event: its own fields, with all that they lie in, and the request that a gateway hands over."""
    values = assign_values(chosen)
    event: dict[str, Json] = {}
    own = [(field, value) for field, value in values if field.place.where == "event"]
    for field in (field for field in chosen.order if field.place.where == "event"):
        _holder(event, field.place)  # a handler may look into a mapping for what is not there, but not for the mapping
    for field, value in own:
        _holder(event, field.place)[field.name] = value
    if not read.gateway:
        return event
    for name, where in (("headers", "header"), ("queryStringParameters", "query"), ("pathParameters", "path")):
        event[name] = dict(pairs_in(values, where))
    bodies = [(field, value) for field, value in values if field.place.where == "body"]
    body = build_body(bodies, read.encoding) if bodies else None
    event["body"] = body if read.parsed or body is None else _encode_body(body, read.encoding)
    return {"version": read.gateway, **event}


def _holder(event: dict[str, Json], place: Place) -> dict[str, Json]:
    """Return the mapping in which a field of the event lies; it is made if it is not there."""
    for step in place.path[:-1]:
        event = cast("dict[str, Json]", event.setdefault(step, {}))
    return event


def _encode_body(body: Json, encoding: Encoding) -> Json:
    """Return a body as the text in which it travels, placeholders and all."""
    if isinstance(body, str):
        return body
    if encoding == "form":
        return urlencode(cast("dict[str, str]", body), safe="{}")
    text = json.dumps(body)
    for whole in (MESSAGES, HISTORY):  # each stands for a list, not for a text
        text = text.replace(f'"{whole}"', whole)
    return text


def _choose_roles(fields: Sequence[Field], message: str | None, session: str | None, what: str) -> Choice:
    """Give every field its role, by the options' word first; the likeliest text is the message where none surely is.

    Raises:
        StatecheckError: an option names a field that there is not.
    """
    by_name = {_dotted(field): field for field in fields}
    for option, name in (("--message-field", message), ("--session-field", session)):
        if name is not None and name not in by_name:
            listed = ", ".join(f"`{n}`" for n in by_name)
            raise StatecheckError("unknown-field", f"`{option} {name}`: no such {what}", f"it has {listed}")
    key = by_name[session] if session is not None else None
    chosen = choose_roles(fields, by_name[message] if message is not None else None, key)
    if isinstance(chosen, list):
        texts = [f for f in (chosen or fields) if f != key] or list(fields)
        text = max(
            texts, key=lambda f: (f.required, leaning(f.name) + f.leaning + weights.SETTING * is_setting(f.name))
        )
        chosen = choose_roles(fields, text, key)
    assert isinstance(chosen, Choice)
    return chosen


def agent_plan(facts: AppFacts, *, carried: bool) -> Plan:
    """Return the plan for an agent that is run by itself.

    Args:
        facts: what the running program tells of it.
        carried: a user interface sends the conversation so far along.
    """
    history: tuple[tuple[str, Json], ...] = (("chat_history", HISTORY),) if carried else ()
    sent = "the deployed interface sends the conversation along" if carried else "nothing says who is talking"
    return a_call(
        keywords=(("user_msg", MESSAGE), *history),
        message_field="argument user_msg",
        carries_history=carried,
        why=(f"`{facts.object}` is an agent: `user_msg` is the message, and {sent}",),
    )


def _dotted(field: Field) -> str:
    return ".".join(step for step in field.place.path if step != ELEMENT)


def _argument(parameter: Parameter, values: Mapping[Place, Json]) -> Json:
    """Return what to give for one parameter: a value, or a mapping of its parts."""
    parts = [(f, values[f.place]) for f in parameter.fields if f.place in values]
    if not parts:
        return sample_value(parameter.fields[0])
    inner = [(replace(f, place=Place(f.place.where, f.place.path[1:])), value) for f, value in parts]
    return build_body(inner, "json")


def _named_only(name: str) -> Parameter:
    """Return a parameter of which nothing but the name is known."""
    listed = plain(name) in ("history", "chathistory", "messages")
    return Parameter(name, (Field(Place("body", (name,)), turn_keys=("role", "content") if listed else None),))
