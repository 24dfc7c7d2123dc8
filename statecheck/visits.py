"""Pages that a browser opens before it sends a turn: they begin a session, or hold the token that a form must send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.endpoints import Endpoint


def with_visits(plans: Sequence[Plan], everything: Sequence[Endpoint]) -> list[Plan]:
    """Return the ways to send a turn with those of a client that opens the app's page before.

    They come first where the page begins a session and no other says who is talking, else last: a page that begins none
    is opened only where turns are refused without.

    Args:
        plans: the ways that are known, best first.
        everything: all endpoints of the app, its pages among them.
    """
    pages = [e for e in everything if e.method == "GET" and "{" not in e.path]
    beginning = next((e for e in pages if e.handler is not None and e.handler.begins), None)
    if beginning is not None:
        after = [_after(plan, beginning) for plan in plans if plan.session_field is None and _may_follow(plan)]
        return [*after, *plans]
    paths = [plan.path for plan in plans[:1]] + ["/"]
    page = next((e for path in paths for e in pages if e.path == path), None)
    return [*plans, *(_after(plan, page) for plan in plans[:1] if page is not None and _may_follow(plan))]


def _may_follow(plan: Plan) -> bool:
    return plan.opening is None and plan.method != "GET"


def _after(plan: Plan, page: Endpoint) -> Plan:
    visit = Plan(method="GET", path=page.path, encoding="none")
    return replace(plan, opening=visit, why=(*plan.why, f"a browser opens `{page.path}` first"))
