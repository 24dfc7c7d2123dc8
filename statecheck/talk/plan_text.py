"""Telling people of a plan: in a line, without its secrets, and when it is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.probe.offline import DUMMY, is_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.talk.plan import Json, Plan

_HIDDEN = "…"


def describe(plan: Plan) -> str:
    """One line for people: `POST /chat, message in body message, session in body session_id`."""
    if plan.kind == "callable" and plan.message_field and not plan.message_field.startswith("argument "):
        return f"message in {plan.message_field}, session in {plan.session_field}"
    if plan.kind == "callable":
        given = [*map(str, plan.args), *(f"{name}={value}" for name, value in plan.keywords)]
        call = f"call with ({', '.join(given)})"
        return call if plan.session_field else f"{call}, no session"
    said = [f"{plan.method} {plan.path}"]
    said.append(f"message in {plan.message_field}" if plan.message_field else "no message")
    said.append(f"session in {plan.session_field}" if plan.session_field else "no session is sent")
    requests = [each.request for each in plan.before]
    if plan.opening is not None:
        first = "the first answer" if plan.opening.message_field else f"{plan.opening.method} {plan.opening.path}"
        said[-1] += f", which {first} gives" if plan.given else f", after {first}"
    elif requests and plan.given:
        said[-1] += f", which {requests[-1].method} {requests[-1].path} gives"
        requests.pop()
    said += ["after " + " and ".join(f"{each.method} {each.path}" for each in requests)] if requests else []
    if plan.renews:
        said[-1] += ", a new one with every message"
    if plan.reply is not None:
        said.append(f"what it asks a person is answered by {plan.reply.method} {plan.reply.path}")
    if plan.carries_history:
        said.append("the earlier messages are sent along")
    return ", ".join(said)


def list_varied(plan: Plan) -> list[str]:
    """Say what of a request is also sent otherwise, and what is not."""
    from statecheck.talk.variations import has_events, has_spellings  # late: `explain` needs none of what it reads

    sent = [f"with {said}" for said, _ in plan.flags]
    sent += ["without a session key"] if plan.keyless is not None else []
    sent += [f"with {plan.elsewhere.said} and the same {plan.session_field}"] if plan.elsewhere is not None else []
    never = [] if plan.session_field is None else [f"the form of the session key (`{plan.session_form}`)"]
    never += [f"`{plan.lone}`: all clients send the same"] if plan.lone else []
    if plan.varied is not None:
        field, within = plan.varied.field, " and ".join(plan.varied.within)
        sent.append(f"with another {field} and the same {within}")
        never.append(f"{within} alone, with the same {field}")
    sent += ["once more, as its sender delivers again what was not answered"] if has_events(plan) else []
    never += [f"the boolean `{name}`" for name in plan.unflipped]
    never += ["keys that are spelled alike, unless code makes them so"] if has_spellings(plan) else []
    never += ["how many sessions are served between two turns of one, unless code limits them"]
    return [*(f"also sent {each}" for each in sent), *(f"not varied: {each}" for each in never)]


def describe_turn(plans: Sequence[Plan], position: int) -> str:
    """Say when one of several plans is tried, and when it is taken."""
    plan = plans[position]
    if plan.doubt == "session":
        return "tried where the session of those before it makes no difference; taken if its own does"
    if plan.doubt == "message":
        return "a guess: taken if the message is seen to reach a model or a memory"
    return "tried first" if position == 0 else "tried where those before it are refused, or nothing arrives"


def hide_secrets(plan: Plan) -> Plan:
    """Return a plan without what was handed over as a secret, and without the ways to send it otherwise."""
    return replace(
        plan,
        opening=hide_secrets(plan.opening) if plan.opening is not None else None,
        before=tuple(replace(each, request=hide_secrets(each.request)) for each in plan.before),
        accounts=tuple(replace(each, password=_HIDDEN) for each in plan.accounts),
        keyless=None,
        elsewhere=replace(plan.elsewhere, plan=hide_secrets(plan.elsewhere.plan)) if plan.elsewhere else None,
        reply=hide_secrets(plan.reply) if plan.reply is not None else None,
        flags=(),
        query=_hide_pairs(plan.query),
        headers=_hide_pairs(plan.headers),
        cookies=_hide_pairs(plan.cookies),
        body=_hide_values(plan.body),
    )


def _hide_pairs(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _hide(name, value)) for name, value in pairs)


def _hide_values(value: Json) -> Json:
    if isinstance(value, list):
        return [_hide_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _hide(name, item) if isinstance(item, str) else _hide_values(item) for name, item in value.items()}


def _hide(name: str, value: str) -> str:
    secret = is_secret(name) or name.lower() in ("authorization", "cookie")
    return value if not secret or "{" in value or DUMMY in value or value in ("sample", "Bearer sample") else _HIDDEN
