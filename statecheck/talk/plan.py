"""How a client talks to a target: one request template with `{message}` and `{session}` in it.

A template of `[tool.statecheck]` has the same form, so there is one way to send a turn. Where a template comes
from, best first: the configuration, client code in the tree, OpenAPI, the handler's source (`planning.candidates`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from statecheck.source import fields
from statecheck.source.fields import Encoding, Form, Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statecheck.model import Anchor, Problem, TargetName
    from statecheck.source.handlers.accounts import Account
    from statecheck.source.openapi import Operation
    from statecheck.steps import Way

__all__ = [
    "AppFacts",
    "Elsewhere",
    "Json",
    "Overrides",
    "Plan",
    "Preliminary",
    "Proposal",
    "Route",
    "Varied",
    "add_demands",
]

MESSAGE, SESSION = fields.MESSAGE, "{session}"
USER, PASSWORD = "{user}", "{password}"
"""Who is talking, where the session is an id that the app gives, and what signs them in: each client keeps its own."""
ASKED = "{asked}"
"""In a reply: what the app calls the question that it asked, as its answer gave it."""
EVENT, EVENT_NUMBER, EVENT_UUID = "{event}", "{event_number}", "{event_uuid}"
"""The id of what delivers a message, of which each has one of its own: a text, as a whole value a number, a UUID."""
MESSAGES, HISTORY = "{messages}", "{history}"
"""A whole string value that stands for a list: the conversation so far with, and without, the new message."""


Kind = Literal["http", "websocket", "event", "callable"]
_KINDS: dict[str, Kind] = {"WEBSOCKET": "websocket", "EVENT": "event"}


def kind_of(method: str) -> Kind:
    """Return by what a turn is sent whose endpoint has this method: one of HTTP's, or `WEBSOCKET` or `EVENT`."""
    return _KINDS.get(method, "http")


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to send a turn to one endpoint. Every string may hold the placeholders.

    Attributes:
        kind: `http` (a request), `websocket` (a connection and one message, the body: a text, or JSON), `event` (sent
            over a connection by a name, the path, with the body as its data), or `callable` (a call with `args`).
        path: for http, with path parameters filled (`/desk/{session}/`).
        body: JSON value (encoding json), mapping of names to strings (form, multipart: `FILE` too), text, or None.
        args: for callable: positional arguments.
        keywords: for callable: what can only be given by name.
        message_field, session_field: for people, where they travel (`body message`, `header X-Pupil`);
            session_field is None if nothing that names a session is sent.
        session_form: what the app's format asks of the key: `token` (starts with sc-), `uuid`, `capitals`, `integer`.
        carries_history: the request itself holds the earlier messages (a list is sent in full).
        resends: what was said before is put where the template has a place for it.
        handler: the endpoint's function, if known.
        why: how each choice was made, a sentence each.
        turn_keys: what the elements of a carried history call the role and the content.
        turn_more: what else they have, with a value for each; one that is an id differs from turn to turn.
        turn_parts: how a content is written in them, where it is a list of typed parts.
        streams: the answer comes in pieces.
        in_tabs: a client is a page in a browser, which sends one message at a time: turns that overlap come from tabs.
        opening: what a client sends that has no session yet: it asks for one, or is the first turn, if there is a
            message in it.
        given: what the answer calls the session that the app gives (`session_id`, `data.id`), or "" if it gives none.
        before: what each client does once before all else: it registers, it signs in.
        accounts: names and passwords of those whom the app knows; each client is another one of them.
        renews: client code makes a new session for every message.
        lone: what says who is talking where the app knows its users by a table of its own (`header X-Api-Key`): all
            clients are one user then; or "".
        varied: what is varied while what it belongs to stays: another thread of one user, another member of a company.
        elsewhere: the same in another tenant, where a client names one.
        keyless: the same without a session key, where the app does without.
        flags: the same with one boolean the other way each, after what is said of it (`stream` = true).
        unflipped: the names of booleans that are sent one way only.
        reply: how a client answers what the app asked a person in its last answer. What that calls the question is its
            `given`, or "" where the session's key tells which it is.
        awaited: of a reply: it answers a run of the library's, which may ask only when its turn has been acknowledged.
        doubt: what of it is a guess beside others: its `session`, so it is taken only where that changes what is
            remembered, or its `message`, so it is taken only where that is seen to arrive.
    """

    kind: Kind = "http"
    method: str = "POST"
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    encoding: Encoding = "json"
    body: Json = None
    args: tuple[Json, ...] = ()
    keywords: tuple[tuple[str, Json], ...] = ()
    message_field: str = ""
    session_field: str | None = None
    session_form: Form = "token"
    carries_history: bool = False
    resends: bool = True
    handler: Anchor | None = None
    why: tuple[str, ...] = ()
    turn_keys: tuple[str, str] = ("role", "content")
    turn_more: tuple[tuple[str, Json], ...] = ()
    turn_parts: Json = None
    streams: bool = False
    in_tabs: bool = False
    opening: Plan | None = None
    given: str = ""
    before: tuple[Preliminary, ...] = ()
    accounts: tuple[Account, ...] = ()
    renews: bool = False
    lone: str = ""
    varied: Varied | None = None
    elsewhere: Elsewhere | None = None
    keyless: Plan | None = None
    flags: tuple[tuple[str, Plan], ...] = ()
    unflipped: tuple[str, ...] = ()
    reply: Plan | None = None
    awaited: bool = False
    doubt: Literal["", "message", "session"] = ""

    @property
    def is_call(self) -> bool:
        """Whether a worker calls what answers a turn: no request goes to a server."""
        return self.kind in ("callable", "event")

    @property
    def takes_lines(self) -> bool:
        """Whether a message may have several lines: it does not travel where a line ends what is said."""
        return self.message_field.split(" ")[0] not in ("path", "header", "cookie")

    def vary(self, way: Way, flag: int = 0) -> tuple[str, Plan] | None:
        """Return what is said of a way to send a turn, and the plan that does so; None where there is no such way."""
        if way == "again":
            return "the same event again", self
        if way == "no-key":
            return ("no session key", self.keyless) if self.keyless is not None else None
        if way == "elsewhere":
            return (self.elsewhere.said, self.elsewhere.plan) if self.elsewhere is not None else None
        if way == "flipped":
            return self.flags[flag] if flag < len(self.flags) else None
        return "", self


@dataclass(frozen=True, slots=True)
class Varied:
    """What of a request is varied alone, where several fields say who is talking.

    Attributes:
        field: what is varied (`body thread_id`).
        within: what stays (`body user_id`).
        person: it is a person by whom the app finds state, and no thread: who sends another is another user.
    """

    field: str
    within: tuple[str, ...]
    person: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How the session key that one client sends is sent by somebody of another tenant.

    Attributes:
        field: what names the tenant (`header X-School`).
        said: what is said of such a turn (`header X-School` = curie).
        plan: how it is sent.
        numbered: a tenant gives these keys itself, so that those of two are the same: a number, a part of its path.
    """

    field: str
    said: str
    plan: Plan
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Preliminary:
    """One request that a client sends before its first turn.

    Attributes:
        gives: names of placeholders for the requests to come (`token`; `session` is the session), and what the answer
            calls their values (`access_token`, `data.id`).
        optional: it may be refused: somebody is registered already.
    """

    request: Plan
    gives: tuple[tuple[str, str], ...] = ()
    optional: bool = False


def a_call(**parts: Any) -> Plan:
    """Return the plan of a call, by what differs from one to the other: `args`, `keywords`, the fields, …."""
    return Plan(kind="callable", method="", path="", encoding="none", **parts)


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint as the running app reports it: `methods` upper case, `file` absolute, or "" if unknown.

    Attributes:
        event: the parameter by which a workflow's first step gets its start event, where that serves the endpoint.
        document: the path under which the app's document has its request, where several share one: the operations of
            a GraphQL endpoint.
    """

    path: str
    methods: tuple[str, ...]
    name: str
    file: str
    line: int
    event: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What the probe reports of the imported target.

    Attributes:
        framework: `fastapi`, `starlette`, `asgi`, `callable`, ….
        object: the attribute that was used (`app`, `bot.reply`).
        operations: what its OpenAPI document says, if it has one.
        parameters: for a callable: its parameters' names, in order (without self), required ones only
            plus those whose name speaks.
        told: what `a_call` takes, each time, from an adapter that knows itself how it is called.
        headers, cookies: what the framework asks of every client that sends a turn (Django's CSRF token).
        environment: the variables that the app runs with.
        undriven: by what else it takes messages, and why that is not tried (`events of …, which cannot be driven yet`).
    """

    framework: str
    object: str
    routes: tuple[Route, ...] = ()
    operations: tuple[Operation, ...] = ()
    parameters: tuple[str, ...] = ()
    told: tuple[Mapping[str, Any], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    undriven: str = ""

    def operation(self, path: str, method: str) -> Operation | None:
        """Return what the document says of one method of a path, or None if it does not have it."""
        return next((each for each in self.operations if (each.path, each.method) == (path, method)), None)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user said of how a client talks, in options or `[tool.statecheck]`; it wins over every guess.

    Attributes:
        endpoint: `POST /chat` or `/chat`.
        message_field, session_field: a field's name, dotted where it is nested (`applicant.id`).
        headers: sent with every turn; may hold the placeholders.
        template: a plan that settles all of it, but for the headers.
    """

    endpoint: str | None = None
    message_field: str | None = None
    session_field: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    template: Plan | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be tried, before anything is sent.

    Attributes:
        plans: best first.
        errors: why there are none.
        notes: what else to know of the run.
    """

    target: TargetName
    plans: tuple[Plan, ...]
    errors: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def add_demands(plan: Plan, facts: AppFacts) -> Plan:
    """A plan with what the framework asks of every client, where the plan does not say it itself."""
    said = {name.lower() for name, _ in plan.headers}, {name for name, _ in plan.cookies}
    return replace(
        plan,
        opening=add_demands(plan.opening, facts) if plan.opening is not None else None,
        before=tuple(replace(each, request=add_demands(each.request, facts)) for each in plan.before),
        keyless=add_demands(plan.keyless, facts) if plan.keyless is not None else None,
        elsewhere=replace(plan.elsewhere, plan=add_demands(plan.elsewhere.plan, facts)) if plan.elsewhere else None,
        reply=add_demands(plan.reply, facts) if plan.reply is not None else None,
        flags=tuple((name, add_demands(each, facts)) for name, each in plan.flags),
        headers=(*plan.headers, *(pair for pair in facts.headers if pair[0].lower() not in said[0])),
        cookies=(*plan.cookies, *(pair for pair in facts.cookies if pair[0] not in said[1])),
    )
