"""Writing a plan down: a request template from the roles that its fields were given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from statecheck.choices import Choice, choose, sample
from statecheck.errors import ExitCode, StatecheckError
from statecheck.model import Anchor
from statecheck.plan import HISTORY, MESSAGE, MESSAGES, SESSION, AppFacts, Json, Plan, Route
from statecheck.source.callables import Parameter
from statecheck.source.fields import ELEMENT, Encoding, Field, Form, Place, plain
from statecheck.source.roles import is_setting, leaning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from statecheck.endpoints import Endpoint
    from statecheck.source.clients import Call

Pairs = tuple[tuple[str, str], ...]


def draft(endpoint: Endpoint, call: Call | None, choice: Choice, project: Path, headers: Pairs) -> Plan:
    """Return the plan for an endpoint, with its fields' roles chosen."""
    form = _form(choice.sessions)
    values: list[tuple[Field, Json]] = [(choice.message, _message(choice.message))]
    values += [(field, _session(field, form, first=n == 0)) for n, field in enumerate(choice.sessions)]
    values += [(choice.history, HISTORY)] if choice.history is not None else []
    values += [(field, sample(field)) for field in choice.extras]
    values.sort(key=lambda pair: choice.order.index(pair[0]))
    encoding: Encoding = call.encoding if call is not None and call.encoding != "none" else endpoint.encoding
    bodies = [(field, value) for field, value in values if field.place.where == "body"]
    if bodies and encoding == "none":
        encoding = "json"
    path = endpoint.path
    for field, value in values:
        if field.place.where == "path":
            path = path.replace(f"{{{field.name}}}", _text(value))
    return Plan(
        method=endpoint.method,
        path=path,
        query=_pairs(values, "query"),
        headers=_with(_pairs(values, "header"), headers),
        cookies=_pairs(values, "cookie"),
        encoding=encoding if bodies else "none",
        body=_body(bodies, encoding) if bodies else None,
        message_field=str(choice.message.place),
        session_field=str(choice.sessions[0].place) if choice.sessions else None,
        session_form=form,
        carries_history=choice.history is not None or choice.message.turn_keys is not None,
        handler=anchor(endpoint.route, project),
        why=(_why_endpoint(endpoint), *_why_client(call), *choice.why),
        turn_keys=(choice.message.turn_keys or (choice.history and choice.history.turn_keys) or ("role", "content")),
        streams=endpoint.handler is not None and endpoint.handler.streams,
    )


def _message(field: Field) -> Json:
    if field.turn_keys is not None:
        return MESSAGES
    return [MESSAGE] if field.type == "array" else MESSAGE


def _form(sessions: Sequence[Field]) -> Form:
    if not sessions or sessions[0].form != "token":
        return sessions[0].form if sessions else "token"
    return "uuid" if any(field.form == "uuid" for field in sessions) else "token"


def _session(field: Field, form: Form, *, first: bool) -> Json:
    """Return a session's value; beside one of another type it is bent to fit."""
    if first or field.form == form:
        return field.dress
    if field.form == "integer":
        return sample(field) or 1
    return f"sc-{SESSION}" if form == "integer" else field.dress


def _text(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(values: Sequence[tuple[Field, Json]], where: str) -> Pairs:
    return tuple((f.name, _credential(f, _text(value))) for f, value in values if f.place.where == where)


def _credential(field: Field, value: str) -> str:
    """Return a value as its header wants it: an `Authorization` names its scheme."""
    scheme = field.place.where == "header" and plain(field.name) == "authorization" and " " not in value
    return f"Bearer {value}" if scheme else value


def _with(pairs: Pairs, more: Pairs) -> Pairs:
    given = {name.lower() for name, _ in more}
    return (*(pair for pair in pairs if pair[0].lower() not in given), *more)


def _body(values: Sequence[tuple[Field, Json]], encoding: Encoding) -> Json:
    body: dict[str, Json] = {}
    for field, value in values:
        steps = [step for step in field.place.path if step != ELEMENT]
        if not steps:
            return value
        inner = body
        for step in steps[:-1]:
            inner = cast("dict[str, Json]", inner.setdefault(step, {}))
        inner[steps[-1]] = value if encoding == "json" or value in (MESSAGES, HISTORY) else _text(value)
    return body


def anchor(route: Route, project: Path) -> Anchor | None:
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
    by_name = {".".join(field.place.path): field for field in fields}
    for option, name in (("--message-field", message), ("--session-field", session)):
        if name is not None and name not in by_name:
            listed = ", ".join(f"`{n}`" for n in by_name)
            raise StatecheckError("unknown-field", f"`{option} {name}`: no such parameter", f"it has {listed}")
    key = by_name[session] if session is not None else None
    chosen = choose(fields, by_name[message] if message is not None else None, key)
    if isinstance(chosen, list):
        texts = [f for f in (chosen or fields) if f != key] or list(fields)
        text = max(texts, key=lambda f: (f.required, leaning(f.name) + f.leaning - 5 * is_setting(f.name)))
        chosen = choose(fields, text, key)
    assert isinstance(chosen, Choice)
    form = _form(chosen.sessions)
    values = {chosen.message.place: _message(chosen.message)}
    values |= {field.place: _session(field, form, first=n == 0) for n, field in enumerate(chosen.sessions)}
    values |= {chosen.history.place: HISTORY} if chosen.history is not None else {}
    values |= {field.place: sample(field) for field in chosen.extras}
    given = {p.name: _argument(p, values) for p in known if p.required or any(f.place in values for f in p.fields)}
    placed = [parameter for parameter in known if not parameter.keyword]
    last = max((n for n, parameter in enumerate(placed, 1) if parameter.name in given), default=0)
    keyed = f"`{_dotted(chosen.sessions[0])}` the session" if chosen.sessions else "nothing says who is talking"
    how = "names, and by what is done with them" if read is not None else "names"
    return Plan(
        kind="callable",
        method="",
        path="",
        encoding="none",
        args=tuple(given.get(parameter.name, parameter.default) for parameter in placed[:last]),
        keywords=tuple((p.name, given[p.name]) for p in known if p.keyword and p.name in given),
        message_field=f"argument {_dotted(chosen.message)}",
        session_field=f"argument {_dotted(chosen.sessions[0])}" if chosen.sessions else None,
        session_form=form,
        carries_history=chosen.history is not None or chosen.message.turn_keys is not None,
        why=(f"`{_dotted(chosen.message)}` is the message and {keyed}, by the parameters' {how}",),
        turn_keys=(chosen.message.turn_keys or (chosen.history and chosen.history.turn_keys) or ("role", "content")),
    )


def agent_plan(facts: AppFacts, *, carried: bool) -> Plan:
    """Return the plan for an agent that is run by itself.

    Args:
        facts: what the running program tells of it.
        carried: a user interface sends the conversation so far along.
    """
    history: tuple[tuple[str, Json], ...] = (("chat_history", HISTORY),) if carried else ()
    sent = "the deployed interface sends the conversation along" if carried else "nothing says who is talking"
    return Plan(
        kind="callable",
        method="",
        path="",
        encoding="none",
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
        return sample(parameter.fields[0])
    inner = [(replace(f, place=Place(f.place.where, f.place.path[1:])), value) for f, value in parts]
    return _body(inner, "json")


def _named_only(name: str) -> Parameter:
    """Return a parameter of which nothing but the name is known."""
    listed = plain(name) in ("history", "chathistory", "messages")
    return Parameter(name, (Field(Place("body", (name,)), turn_keys=("role", "content") if listed else None),))


def from_template(template: Plan | Mapping[str, Json], headers: Pairs) -> Plan:
    """Return the plan that the configuration gives, with the headers of the command line."""
    if isinstance(template, Plan):
        return replace(template, headers=_with(template.headers, headers))
    form = template.get("form")
    body = template.get("body", template.get("json", form))
    encoding = template.get("encoding") or ("form" if form is not None else "none" if body is None else "json")

    def pairs(name: str) -> Pairs:
        table = template.get(name)
        return tuple((key, _text(value)) for key, value in table.items()) if isinstance(table, dict) else ()

    plan = Plan(
        method=str(template.get("method") or ("GET" if body is None else "POST")).upper(),
        path=str(template.get("path") or "/"),
        query=pairs("query"),
        headers=_with(pairs("headers"), headers),
        cookies=pairs("cookies"),
        encoding=cast("Encoding", encoding),
        body=body,
        why=("the template in the configuration says so",),
    )
    spelled = {
        "path": plan.path,
        "query": plan.query,
        "header": plan.headers,
        "cookie": plan.cookies,
        "body": plan.body,
    }
    message = next((where for where, value in spelled.items() if MESSAGE in str(value) or MESSAGES in str(value)), "")
    session = next((where for where, value in spelled.items() if SESSION in str(value)), None)
    carried = MESSAGES in str(spelled) or HISTORY in str(spelled)
    return replace(plan, message_field=message, session_field=session, carries_history=carried)
