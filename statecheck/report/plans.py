"""How a client would talk to a target, before anything is sent: what `diagnose --plan` prints, in every format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from statecheck.report.text import View, repeat_command, safe
from statecheck.talk.plan_text import describe, describe_turn, hide_secrets, list_varied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.talk.plan import Plan, Proposal

_NOTHING_SENT = "was loaded to see what it serves, and nothing was sent to it"


def full(proposal: Proposal, view: View) -> str:
    """Return every plan with its requests and its reasons."""
    if view.verbosity < -1:
        return ""
    target = proposal.target
    path, known = safe(target.path), f":{safe(target.object)} ({safe(target.framework)})" if target.framework else ""
    lines = [f"{path}{known}: how a client would talk to it", ""]
    for position, plan in enumerate(map(hide_secrets, proposal.plans)):
        lines += [
            f"{position + 1}. {safe(describe(plan))}",
            *_list_requests(plan),
            f"   {describe_turn(proposal.plans, position)}",
        ]
        lines += [f"   - {safe(why)}" for why in plan.why] if view.verbosity >= 0 else []
        lines += [f"   - {safe(said)}" for said in list_varied(proposal.plans[position])] if view.verbosity > 0 else []
        lines.append("")
    for error in proposal.errors:
        lines += [f"error: {safe(error.text)}", f"  hint: {safe(error.hint)}", ""]
    closing = f"{path} {_NOTHING_SENT}" if known else f"{path}: nothing was sent"
    return "\n".join([*lines, f"{closing}; next: {repeat_command(target)}"]) + "\n"


def concise(proposal: Proposal, view: View) -> str:
    """Return a line for each plan."""
    path = safe(proposal.target.path)
    lines = [f"{path}: {safe(describe(plan))}" for plan in proposal.plans]
    lines += [f"{path}: error: {safe(error.text)} ({safe(error.hint)})" for error in proposal.errors]
    return "" if view.verbosity < -1 else "".join(f"{line}\n" for line in lines)


def content(proposal: Proposal) -> dict[str, object]:
    """Return what the JSON document holds."""
    target = proposal.target
    return {
        "target": {"path": target.path, "object": target.object, "framework": target.framework},
        "plans": [_plan(hide_secrets(plan)) for plan in proposal.plans],
        "errors": [{"slug": e.slug, "text": e.text, "hint": e.hint} for e in proposal.errors],
        "notes": list(proposal.notes),
    }


def _list_requests(plan: Plan) -> Iterator[str]:
    """Return the requests of a plan as they would be sent, what opens the session first, what answers last."""
    earlier = [*(each.request for each in plan.before), *([plan.opening] if plan.opening is not None else [])]
    for position, request in enumerate(earlier):
        yield from _request(request, "then: " if position else "first: ")
    yield from _request(plan, "then: " if earlier else "")
    if plan.reply is not None:
        yield from _request(plan.reply, "what is asked is answered by: ")


def _request(plan: Plan, label: str) -> Iterator[str]:
    if plan.kind == "callable":
        return
    query = "&".join(f"{name}={value}" for name, value in plan.query)
    yield f"     {label}{plan.method} {safe(plan.path)}{'?' if query else ''}{safe(query)}"
    yield from (f"       {safe(name)}: {safe(value)}" for name, value in plan.headers)
    if plan.cookies:
        yield f"       Cookie: {safe('; '.join(f'{name}={value}' for name, value in plan.cookies))}"
    if plan.body is not None:
        yield f"       {plan.encoding}: {safe(json.dumps(plan.body, ensure_ascii=False))}"


def _plan(plan: Plan) -> dict[str, object]:
    return {
        "kind": plan.kind,
        "request": _parts(plan),
        "opening": _parts(plan.opening) if plan.opening is not None else None,
        "given": plan.given,
        "reply": _parts(plan.reply) if plan.reply is not None else None,
        "before": [{"request": _parts(each.request), "gives": dict(each.gives)} for each in plan.before],
        "message": plan.message_field,
        "session": plan.session_field,
        "doubt": plan.doubt,
        "handler": {"path": plan.handler.path, "line": plan.handler.line} if plan.handler is not None else None,
        "why": list(plan.why),
    }


def _parts(plan: Plan) -> dict[str, object]:
    return {
        "method": plan.method,
        "path": plan.path,
        "query": dict(plan.query),
        "headers": dict(plan.headers),
        "cookies": dict(plan.cookies),
        "encoding": plan.encoding,
        "body": plan.body,
        "args": list(plan.args),
        "keywords": dict(plan.keywords),
    }
