"""How a client answers what the app asks a person: the endpoint that takes the answer, and what it says there."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.source.fields import plain
from statecheck.source.handlers.handlers import function_at
from statecheck.source.handlers.sinks import callee
from statecheck.source.roles import as_set, leaning, words
from statecheck.talk.field_roles import sample_value
from statecheck.talk.plan import ASKED, MESSAGE, SESSION
from statecheck.talk.request_template import fill_request, merge_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.source.code.tree import SourceTree
    from statecheck.source.fields import Field, Json
    from statecheck.talk.endpoints import Endpoint
    from statecheck.talk.plan import Plan
    from statecheck.talk.request_template import Sending

_EVENT, _QUESTION = "HumanResponseEvent", "InputRequiredEvent"
_SENDS = "send_event"
_ANSWERS = as_set(
    "reply respond response approve approval approvals confirm confirmation decide decision resume answer human hitl "
    "review verdict consent"
)
"""Words of an endpoint that takes what a person answers."""
_SAYS = as_set("response answer reply decision verdict message text input comment feedback value content note action")
"""Words of the field that holds it."""
_YES = as_set("approve approved accept accepted confirm confirmed yes ok allow allowed grant granted consent continue")
_IDS = as_set("id uuid key token handle run handler thread session ticket approval request")
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """An endpoint that takes what a person answers.

    Attributes:
        sure: its code hands the answer to a run; else its name says so, and it is tried.
        awaited: the project has runs that ask.
    """

    endpoint: Endpoint
    sure: bool
    awaited: bool


def find_replies(everything: Sequence[Endpoint], tree: SourceTree) -> tuple[Reply, ...]:
    """Return the endpoints that take answers, those first whose code says so."""
    events = {_EVENT, *_list_subclasses(tree)}
    asks = any(_EVENT in module.text or _QUESTION in module.text for module in tree.modules())
    functions = _list_functions(tree) if asks else {}
    able = [e for e in everything if e.method in ("POST", "PUT", "PATCH") and e.fields]
    read = {e.label: _read(e, functions, tree) for e in able} if asks else {}
    sure = [e for e in able if asks and not _begins(read[e.label]) and _hands_over(read[e.label], events)]
    named = [e for e in able if e not in sure and _ANSWERS & {*words(e.path), *words(e.route.name)}]
    return (
        *(Reply(endpoint, sure=True, awaited=True) for endpoint in sure),
        *(Reply(endpoint, sure=False, awaited=asks) for endpoint in named if _list_ids(endpoint.fields)),
    )


def leave_out(everything: Sequence[Endpoint], replies: Sequence[Reply]) -> list[Endpoint]:
    """Return the endpoints that may begin something: all that do not surely take answers, if there are any."""
    sure = [reply.endpoint for reply in replies if reply.sure]
    return [endpoint for endpoint in everything if endpoint not in sure] or [*everything]


def add_replies(
    plans: Sequence[Plan], replies: Sequence[Reply], everything: Sequence[Endpoint], sending: Sending
) -> list[Plan]:
    """Return the ways to send a turn, with how what is asked in its answer is answered, where an endpoint takes that.

    Args:
        plans: the ways that are known.
        replies: the endpoints that take answers.
        everything: all endpoints of the app.
        sending: how requests to any endpoint of it are written.
    """
    found = []
    for plan in plans:
        reply = next((each for each in replies if _may_answer(each, plan, everything)), None)
        if reply is None:
            found.append(plan)
            continue
        said = f"`{reply.endpoint.label}` takes what a person answers"
        found.append(replace(plan, reply=_draft(reply, plan, sending), why=(*plan.why, said)))
    return found


def _shape(path: str) -> tuple[str, ...]:
    return tuple("{}" if "{" in part else part for part in path.strip("/").split("/"))


def _list_subclasses(tree: SourceTree) -> set[str]:
    """The names of the project's classes of events that hold what a person answers."""
    found: set[str] = set()
    classes = [n for m in tree.modules() for n in ast.walk(m.ast) if isinstance(n, ast.ClassDef)]
    for _ in range(_DEEPEST):
        names = {_EVENT, *found}
        found |= {node.name for node in classes if any(ast.unparse(b).split(".")[-1] in names for b in node.bases)}
    return found


def _list_functions(tree: SourceTree) -> dict[str, list[ast.AST]]:
    found: dict[str, list[ast.AST]] = {}
    for module in tree.modules():
        for node in ast.walk(module.ast):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, []).append(node)
    return found


def _read(endpoint: Endpoint, functions: dict[str, list[ast.AST]], tree: SourceTree) -> list[ast.Call]:
    """The calls of an endpoint's function, and of those of the project that it calls."""
    route = endpoint.route
    module = tree.get(Path(route.file)) if route.file else None
    handler = function_at(module.ast, route.line, route.name, endpoint.method) if module is not None else None
    level: list[ast.AST] = [handler] if handler is not None else []
    seen: set[ast.AST] = set()
    calls: list[ast.Call] = []
    for _ in range(_DEEPEST):
        seen.update(level)
        made = [n for function in level for n in ast.walk(function) if isinstance(n, ast.Call)]
        calls += made
        level = [inner for call in made for inner in functions.get(callee(call), ()) if inner not in seen]
    return calls


def _hands_over(calls: Sequence[ast.Call], events: set[str]) -> bool:
    """Whether an endpoint makes an event of what a person answers, or sends a run one."""
    return any(callee(call) in (*events, _SENDS) for call in calls)


def _begins(calls: Sequence[ast.Call]) -> bool:
    """Whether an endpoint gives a run a message to begin with: it may answer too, under the same session."""
    runs = [call for call in calls if callee(call) == "run" and not ast.unparse(call.func).startswith("asyncio.")]
    given = [k.arg for call in runs for k in call.keywords if k.arg not in ("ctx", "context", "handler_id")]
    return any(given) or any(call.args for call in runs)


def _may_answer(reply: Reply, plan: Plan, everything: Sequence[Endpoint]) -> bool:
    """Whether an endpoint may take the answer to what a plan's endpoint asks: that gives what it wants to know."""
    if (reply.endpoint.method, _shape(reply.endpoint.path)) == (plan.method, _shape(plan.path)):
        return False
    if reply.sure:
        return True
    begun = next((e for e in everything if (e.method, _shape(e.path)) == (plan.method, _shape(plan.path))), None)
    told = {plain(name) for name in begun.answers} if begun is not None else set()
    return any(plain(field.name) in told for field in _list_ids(reply.endpoint.fields))


def _list_ids(fields: Sequence[Field]) -> list[Field]:
    """The fields that may say what is answered; names of one word are its kind (`run`)."""
    able = [f for f in fields if f.type in ("", "string", "integer") and f.place.where in ("path", "body", "query")]
    return [f for f in able if f.place.where == "path" or (f.name and _IDS & {words(f.name)[-1]})]


def _draft(reply: Reply, plan: Plan, sending: Sending) -> Plan:
    """Return the request that answers: yes, in the user's words, to what was asked."""
    endpoint = reply.endpoint
    call = next((c for c in endpoint.calls if not c.test), None) or next(iter(endpoint.calls), None)
    sending = replace(sending, endpoint=endpoint, call=call)
    fields = [f for f in sending.fields() if f.place.path]
    own = plain((plan.session_field or "").rpartition(" ")[2].rpartition(".")[2])
    ids = _list_ids(fields)
    asked = next((f for f in ids if plain(f.name) != own), None)
    said = _find_words([f for f in fields if f not in ids])
    values: list[tuple[Field, Json]] = []
    for field in fields:
        if field == asked:
            values.append((field, field.dress.replace(SESSION, ASKED)))
        elif own and plain(field.name) == own:
            values.append((field, field.dress))
        elif field == said:
            values.append((field, MESSAGE))
        elif field.type == "boolean" and _YES & {*words(field.name)}:
            values.append((field, True))
        elif field.required:
            values.append((field, _agree(field)))
    drafted = fill_request(sending, values)
    return replace(
        drafted,
        headers=merge_headers(drafted.headers, plan.headers),
        cookies=merge_headers(drafted.cookies, plan.cookies),
        message_field=str(said.place) if said is not None else "",
        session_field=str(asked.place) if asked is not None else plan.session_field,
        given=asked.name if asked is not None else "",
        awaited=reply.awaited,
        doubt="" if reply.sure else "message",
    )


def _find_words(fields: Sequence[Field]) -> Field | None:
    """The field that holds what a person says in so many words."""
    able = [f for f in fields if f.type in ("", "string") and not f.limited and f.place.where != "header"]
    named = [f for f in able if _SAYS & {*words(f.name)}]
    return next(iter(named), None) or max(able, key=lambda f: leaning(f.name), default=None)


def _agree(field: Field) -> Json:
    """What is sent in a field of which only some values are taken: the one that agrees, if there is one."""
    options = [option for option in field.options if isinstance(option, str) and _YES & {*words(option)}]
    return options[0] if options else sample_value(field)
