"""Which endpoint of an app takes the conversation's turns: all of them, ranked, with what each one's request holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.clients.clients import Call, same_path
from statecheck.source.fields import Encoding, Field, Form, Place
from statecheck.source.handlers.handlers import Handler, read_handler, read_listener, read_resolver, read_step
from statecheck.source.openapi import form_of
from statecheck.source.roles import as_set, leaning, words
from statecheck.talk.graphql import VARIABLES, asks_for, settle_query
from statecheck.talk.json_rpc import fill_envelope
from statecheck.talk.plan import SESSION, AppFacts, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from statecheck.source.handlers.project_code import ProjectCode

_SPEAKING = as_set(
    "chat ask message messages query reply answer talk converse conversation conversations completions complete prompt "
    "run invoke assistant bot agent respond say send turn turns question generate discuss dialog speak inbox"
)
_SILENT = as_set(
    "health healthz healthcheck livez readyz ping status docs redoc openapi admin delete reset clear history login "
    "logout "
    "register signup metrics static upload ingest export import list version config settings favicon assets feedback "
    "end close remove forget transcript debug warmup cancel"
)
START_EVENT = "start_event"
"""Where LlamaIndex's server of workflows takes the event of a run, whose fields are any."""
EVENT = "EVENT"
"""The method of what is sent over a connection by a name of its own, which is the path."""
_PARAMETER = re.compile(
    r"\(\?P<(?P<group>\w+)>(?P<pattern>[^)]*)\)|<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<angled>\w+)>"
    r"|\{(?P<braced>\w+)(?::(?P<said>[^}]*))?\}"
)
_NAMED: dict[str, Form] = {"int": "integer", "uuid": "uuid"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one route.

    Attributes:
        path: with its parameters as `{name}`.
        fields: what the server takes: declared, read by the handler, or both.
        calls: client code that calls it, best first.
        answers: names in its answers, so far as they are known (cookies that it sets among them).
        score: how likely it takes the turns.
        signs: why, in a few words each.
    """

    route: Route
    method: str
    path: str
    handler: Handler | None
    encoding: Encoding
    fields: tuple[Field, ...]
    calls: tuple[Call, ...]
    answers: frozenset[str]
    score: float = 0.0
    signs: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`POST /chat`."""
        return f"{self.method} {self.path}"


def brace_path(path: str) -> tuple[str, dict[str, Form]]:
    """Return a route's path with every parameter as `{name}`, whatever the framework's spelling, and their formats."""
    forms: dict[str, Form] = {}

    def parameter(found: re.Match[str]) -> str:
        name = found["group"] or found["angled"] or found["braced"]
        forms[name] = _form_of(found["pattern"] or found["kind"] or found["said"] or "")
        return f"{{{name}}}"

    plain = _PARAMETER.sub(parameter, path.removeprefix("^").removesuffix("$").removesuffix("\\Z"))
    return (plain if plain.startswith("/") else f"/{plain}"), forms


def _form_of(said: str) -> Form:
    """Return the form of a key that a path takes by what it says of a parameter: a converter's name, or a pattern."""
    if said.isidentifier() or not said:
        return _NAMED.get(said, "token")
    form, written = form_of({"pattern": f"^(?:{said})$"}) or ("token", "")
    return form if written in (SESSION, f"1{SESSION}") else "token"  # no more than the key can be told


def rank_endpoints(facts: AppFacts, code: ProjectCode, calls: Sequence[Call]) -> list[Endpoint]:
    """All endpoints that could take a turn, the likeliest first. Without routes, those that client code calls."""
    told = {(route.document or brace_path(route.path)[0], verb) for route in facts.routes for verb in route.methods}
    hidden = (each for each in facts.operations if (each.path, each.method) not in told)
    routes = [*facts.routes, *(Route(each.path, (each.method,), "", "", 0) for each in hidden)]
    if not routes:  # an app that does not tell
        sent = dict.fromkeys((call.path, call.method) for call in calls if call.path.startswith("/"))
        routes = [Route(path, (method,), "", "", 0) for path, method in sent]
    found = []
    for route in (route if route.file else _locate(route, code) for route in routes):
        for method in _methods(route, code):
            found.append(_rank(_endpoint(route, method, facts, code, calls)))  # noqa: PERF401 (three lines read better)
    return sorted(found, key=lambda endpoint: -endpoint.score)


def _locate(route: Route, code: ProjectCode) -> Route:
    """Return a route with the function that is decorated with the end of its path, where the app does not tell it."""
    path, method = brace_path(route.path)[0], (route.methods or ("POST",))[0]
    fitting = []
    for spelled, verb, name, file, line in code.decorated():
        given = brace_path(spelled)[0].rstrip("/")
        if given and path.rstrip("/").endswith(given) and verb in (method.lower(), "route", "api_route"):
            fitting.append((len(given), Route(route.path, route.methods, route.name or name, str(file), line)))
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else route


def _methods(route: Route, code: ProjectCode) -> Iterable[str]:
    if route.methods:
        return [method for method in weights.METHODS if method in route.methods]
    handler = _read(route, code, "POST")
    return handler.methods if handler is not None else ("POST",)


def _read(route: Route, code: ProjectCode, method: str) -> Handler | None:
    if not route.file or not Path(route.file).resolve().is_relative_to(code.project):
        return None
    if route.event:
        return read_step(code, Path(route.file), route.line, route.name, route.event, (START_EVENT,))
    if route.document:
        return read_resolver(code, Path(route.file), route.line, route.name, (VARIABLES,))
    if method == EVENT:
        return read_listener(code, Path(route.file), route.line, route.name)
    _, forms = brace_path(route.path)
    return read_handler(code, Path(route.file), route.line, route.name, tuple(forms), method)


def _endpoint(route: Route, method: str, facts: AppFacts, code: ProjectCode, calls: Sequence[Call]) -> Endpoint:
    path, forms = brace_path(route.path)
    handler = _read(route, code, method)
    read = handler.fields if handler is not None else ()
    encoding: Encoding = "none"
    if handler is not None and handler.encoding and method != "GET":
        encoding = "form" if handler.encoding == "form" else "multipart" if handler.encoding == "multipart" else "json"
    declared: tuple[Field, ...] = ()
    operation = facts.operation(route.document or path, method)
    if operation is not None:
        declared = operation.fields
        encoding = operation.encoding if operation.encoding != "none" else encoding
    fields = lay_over(declared, read)
    for name, form in forms.items():
        place = Place("path", (name,))
        if not any(field.place.matches(place) for field in fields):
            fields = (*fields, Field(place, form=form))
        elif form != "token":
            fields = tuple(replace(f, form=form) if f.place.matches(place) else f for f in fields)
    heard = method == "WEBSOCKET" or (method == EVENT and (handler is None or bool(handler.encoding)))
    if heard and not any(field.place.where == "body" for field in fields):
        fields = (*fields, Field(Place("body", ()), type="string", evidence=(weights.WHOLE_MESSAGE,)))
    if method == "GET":
        fields = tuple(field for field in fields if field.place.where != "body")
    fields = fill_envelope(fields)
    answers = operation.answers if operation is not None else frozenset()
    if handler is not None:
        answers |= handler.answers | handler.sets_cookies
    mine = tuple(
        call
        for call in calls
        if call.method == method and (same_path(call.path, path) or (call.route and call.route == route.name))
        if not route.document or asks_for(call, route.name)
    )
    fields = settle_query(fields, mine)
    return Endpoint(route, method, path, handler, encoding, fields, mine, answers)


def lay_over(declared: Sequence[Field], read: Sequence[Field]) -> tuple[Field, ...]:
    """Tell what a server declares with the evidence of what its handler reads; what is only read follows."""
    laid, used = [], set()
    for each in declared:
        field = each
        found = next((f for f in read if f.place.matches(field.place)), None)
        if found is not None:
            used.add(found.place)
            declares = (field.form, field.dress) != ("token", "{session}")
            field = replace(
                field,
                evidence=found.evidence,
                generated=field.generated or found.generated,
                form=(field if declares else found).form,
                dress=(field if declares else found).dress,
                turn_keys=field.turn_keys or found.turn_keys,
                limited=field.limited or found.limited,
                required=field.required or found.demanded,
                options=found.options,
                value=field.value if field.known else found.value if found.known else field.value,
                known=field.known or found.known,
            )
        laid.append(field)
    whole = {f.place.where for f in declared if not f.place.path}
    rest = [f for f in read if f.place not in used and f.place.where not in whole]
    if any(f.place.where == "body" for f in declared):
        rest = [f for f in rest if f.place.where != "body" or _below_open_object(f, declared)]
    laid = [field for field in laid if not any(field.place.holds(f.place) for f in rest)]  # told by its parts
    return (*laid, *rest)


def _below_open_object(field: Field, declared: Sequence[Field]) -> bool:
    """Whether a part that the handler reads lies in a declared object whose parts are not declared."""
    return any(f.type == "object" and f.name in field.place.path[:-1] for f in declared)


def _rank(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint with how likely it takes the turns, and why."""
    signs = tuple(_signs(endpoint))
    said = [f for f in endpoint.fields if f.type in ("", "string") or f.turn_keys or f.parts]
    texts = [f for f in said if f.place.where != "path"]
    best = max((min(leaning(f.name) + f.leaning, weights.BEST_TEXT_AT_MOST) for f in texts), default=weights.NO_TEXT)
    score = weights.METHODS[endpoint.method] + weights.BEST_TEXT * best + sum(sign.weight for sign in signs)
    return replace(endpoint, score=score, signs=tuple(dict.fromkeys(s.because for s in signs if s.because)))


def _signs(endpoint: Endpoint) -> Iterator[weights.Sign]:
    """Yield the signs that an endpoint takes the turns, or does not."""
    path = {word for part in endpoint.path.split("/") if "{" not in part for word in words(part)}
    name = set(words(endpoint.route.name))
    if endpoint.handler is not None and endpoint.handler.model:
        yield weights.ASKS_MODEL.times(endpoint.handler.model)
    if path & _SPEAKING:
        yield weights.SPEAKING_PATH
    if name & _SPEAKING:
        yield weights.SPEAKING_NAME
    if any(field.place.where != "path" and leaning(field.name) <= weights.NAMES_ONE for field in endpoint.fields):
        yield weights.TAKES_SESSION
    if (path | name) & _SILENT:
        yield weights.OTHER_BUSINESS
    if endpoint.calls:
        tested = all(call.test for call in endpoint.calls)
        yield weights.CALLED_BY_TEST if tested else weights.CALLED_BY_CLIENT
    if "stream" in path | name or (endpoint.handler is not None and endpoint.handler.streams):
        yield weights.STREAMS
