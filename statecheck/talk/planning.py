"""Finding out how a client talks to a target: the ways to send a turn, best first.

Three sources say what a request looks like: client code in the tree, the OpenAPI document, the handler's own code.
They are laid over each other as fields; then one field is the message, and those that say who is talking the session.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError, nearest
from statecheck.probe.frameworks import Kind, by_name
from statecheck.source import weights
from statecheck.source.clients.clients import find_clients
from statecheck.source.code.tree import SourceTree
from statecheck.source.fields import Field, Place
from statecheck.source.handlers.accounts import find_accounts
from statecheck.source.handlers.callables import Parameter, read_callable
from statecheck.source.handlers.events import Event, read_event
from statecheck.source.handlers.handlers import read_step
from statecheck.source.handlers.project_code import ProjectCode
from statecheck.source.project.deploy import serves_workflows
from statecheck.source.roles import is_signature
from statecheck.talk.alternatives import list_ways
from statecheck.talk.call_plans import agent_plan, call_plan, event_plan, find_client, overlay_client
from statecheck.talk.endpoints import Endpoint, lay_over, rank_endpoints
from statecheck.talk.field_roles import find_field
from statecheck.talk.page_visits import add_visits
from statecheck.talk.plan import AppFacts, Overrides, Plan, Route, a_call
from statecheck.talk.replies import add_replies, find_replies, leave_out
from statecheck.talk.request_template import Sending, anchor_of, merge_headers
from statecheck.target.turn_hints import advise_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MOST = 12


def candidates(facts: AppFacts, tree: SourceTree, overrides: Overrides) -> tuple[Plan, ...]:
    """Return the ways to send a turn to a target, best first.

    Args:
        facts: what the running app says of itself.
        tree: the user's files, in which client code and handlers are read.
        overrides: what the user settled.

    Raises:
        StatecheckError: it cannot be guessed (exit 4), or an option names what is not there (exit 2).
    """
    if overrides.template is not None:
        template = overrides.template
        return (replace(template, headers=merge_headers(template.headers, overrides.headers)),)
    if facts.told:
        handler = anchor_of(facts.routes[0], tree.project) if facts.routes else None
        return tuple(a_call(**told, handler=handler) for told in facts.told)
    kind = by_name(facts.framework).kind
    if kind in _CALLS:
        plan = _CALLS[kind](facts, tree, overrides)
        return (replace(plan, handler=anchor_of(facts.routes[0], tree.project) if facts.routes else None),)
    everything = rank_endpoints(facts, ProjectCode(tree, facts.environment), find_clients(tree))
    accounts = find_accounts(tree, facts.environment)
    replies = find_replies(everything, tree) if overrides.endpoint is None else ()
    ranked = select_endpoints(leave_out(everything, replies), overrides, facts, tree)
    plans: list[Plan] = []
    for endpoint in ranked:
        call = next((c for c in endpoint.calls if not c.test), None) or next(iter(endpoint.calls), None)
        plans += list_ways(Sending(endpoint, call, tree.project, overrides.headers), everything, overrides, accounts)
    if not plans:
        raise _no_endpoint(ranked, facts.undriven, tree)
    plans = add_visits(plans, everything)
    if replies:
        plans = add_replies(plans, replies, everything, Sending(ranked[0], None, tree.project, overrides.headers))
    begun = {(p.opening.method, p.opening.path) for p in plans if p.opening is not None and p.opening.message_field}
    begun -= {(p.method, p.path) for p in plans if p.opening is not None}
    plans.sort(key=lambda plan: (plan.method, plan.path) in begun)  # a first turn alone is not the conversation
    first, others = plans[0], dict.fromkeys(f"`{p.method} {p.path}`" for p in plans if p.path != plans[0].path)
    if others:
        said = f"other endpoints could take turns too: {', '.join(others)} (`--endpoint` names one)"
        plans[0] = replace(first, why=(*first.why, said))
    return tuple(plans[:_MOST])


def _workflow(facts: AppFacts, tree: SourceTree, overrides: Overrides) -> Plan:
    """Return how a workflow is run: an agent by what the user says, any other with the fields of its start event."""
    if facts.parameters:
        return agent_plan(facts, carried=serves_workflows(tree.project))
    step = next(iter(facts.routes), None)
    operation = facts.operation("run", "POST")
    fields = operation.fields if operation is not None else ()
    if step is not None and Path(step.file).is_relative_to(tree.project):
        read = read_step(ProjectCode(tree), Path(step.file), step.line, step.name, step.event)
        fields = lay_over(fields, read.fields if read is not None else ())
    named: dict[str, list[Field]] = {}
    for field in (*fields, *_fields_of_options(fields, overrides)):
        if field.place.path:
            named.setdefault(field.place.path[0], []).append(field)
    parameters = [Parameter(name, tuple(own), any(f.required for f in own), None, True) for name, own in named.items()]
    return call_plan(facts, overrides.message_field, overrides.session_field, parameters)


def _fields_of_options(fields: Sequence[Field], overrides: Overrides) -> Iterator[Field]:
    """Yield the fields of a workflow's start event that options name and nothing else tells of: it takes any."""
    known = [".".join(field.place.path) for field in fields]
    for name in (overrides.message_field, overrides.session_field):
        if name is not None and find_field(name, fields) is None and nearest(name, known) is None:
            yield Field(Place("body", tuple(name.split("."))))


def _callable(facts: AppFacts, tree: SourceTree, overrides: Overrides) -> Plan:
    """Return how a plain callable is called: by its source, where that lies in the project."""
    route, read = _route_in(facts, tree.project), None
    if route is not None:
        read = read_callable(ProjectCode(tree), Path(route.file), route.line, facts.object, facts.parameters)
    return call_plan(facts, overrides.message_field, overrides.session_field, read)


def _lambda(facts: AppFacts, tree: SourceTree, overrides: Overrides) -> Plan:
    """Return how a Lambda handler is invoked: by what its source reads of the event, as its clients send it."""
    route, read = _route_in(facts, tree.project), None
    if route is not None:
        read = read_event(ProjectCode(tree), Path(route.file), route.line, route.name)
    options = overrides.message_field, overrides.session_field
    plan = event_plan(facts, *options, read or Event((), "", "none"))
    call = find_client(read, find_clients(tree)) if read is not None and read.gateway else None
    if read is None or call is None:
        return plan
    plan = event_plan(facts, *options, replace(read, fields=overlay_client(call, read)))
    return replace(plan, why=(*plan.why, f"the request is what {call.file}:{call.line} sends"))


def _route_in(facts: AppFacts, project: Path) -> Route | None:
    """Return the one route of what is called, if its source lies in the project."""
    route = next(iter(facts.routes), None)
    inside = route is not None and route.file and Path(route.file).resolve().is_relative_to(project.resolve())
    return route if inside else None


_CALLS: dict[Kind, Callable[[AppFacts, SourceTree, Overrides], Plan]] = {
    "callable": _callable,
    "task": _callable,
    "handler": _lambda,
    "workflow": _workflow,
}
"""What is called, not asked over HTTP: by the kind of its framework, how."""


def select_endpoints(ranked: list[Endpoint], overrides: Overrides, facts: AppFacts, tree: SourceTree) -> list[Endpoint]:
    """Return the endpoint that the user named, or the best ones; the best alone speak for a conversation."""
    if overrides.endpoint is None:
        usable = [endpoint for endpoint in ranked if endpoint.fields or endpoint.calls]
        if not usable:
            raise _no_endpoint(ranked, facts.undriven, tree)
        return [
            endpoint
            for endpoint in usable
            if endpoint.score > usable[0].score - weights.NO_RIVAL and endpoint.score > 0
        ] or usable
    *method, path = overrides.endpoint.split(maxsplit=1)
    same = [e for e in ranked if _shape(e.path) == _shape(path) and (not method or e.method == method[0].upper())]
    if same:
        return same[:1]
    if not ranked:  # an app that does not tell its routes: the user knows better
        route = Route(path, (method[0].upper() if method else "POST",), "", "", 0)
        return rank_endpoints(AppFacts("", "", (route,)), ProjectCode(SourceTree(_nowhere(), _nowhere())), ())
    known = {endpoint.label.lower(): endpoint.label for endpoint in ranked}
    known |= {endpoint.path.lower(): endpoint.path for endpoint in ranked}
    meant = nearest(overrides.endpoint, known)
    listed = ", ".join(f"`{endpoint.label}`" for endpoint in ranked[:8])
    raise StatecheckError(
        "unknown-endpoint",
        f"the app has no endpoint `{overrides.endpoint}`",
        f"did you mean `{known[meant]}`?" if meant else f"it has {listed}",
    )


def _nowhere() -> Path:
    return Path("/nonexistent")


def _shape(path: str) -> str:
    return "/" + re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path).strip("/")


def _no_endpoint(ranked: Sequence[Endpoint], undriven: str, tree: SourceTree) -> StatecheckError:
    if undriven:
        return StatecheckError(
            "no-endpoint",
            f"the app takes its messages by {undriven}",
            f"name an endpoint (`--endpoint 'POST /path' --message-field NAME`), or {advise_turn(tree)}",
            ExitCode.INCONCLUSIVE,
        )
    for endpoint in ranked:
        signature = next((f for f in endpoint.fields if f.place.where == "header" and is_signature(f.name)), None)
        if signature is not None:
            return StatecheckError(
                "no-endpoint",
                f"`{endpoint.label}` takes messages that their sender signs (`{signature.name}`): none can be made up",
                advise_turn(tree),
                ExitCode.INCONCLUSIVE,
            )
    listed = ", ".join(f"`{endpoint.label}`" for endpoint in ranked[:6])
    return StatecheckError(
        "no-endpoint",
        f"no endpoint takes a message (looked at {listed})" if ranked else "the app tells of no endpoint",
        "name it: `--endpoint 'POST /path' --message-field NAME`",
        ExitCode.INCONCLUSIVE,
    )
