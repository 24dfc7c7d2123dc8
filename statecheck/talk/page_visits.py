"""Pages that a browser opens before it sends a turn: they begin a session, or hold the token that a form must send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.talk.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.source.fields import Field
    from statecheck.talk.endpoints import Endpoint


def add_visits(plans: Sequence[Plan], everything: Sequence[Endpoint]) -> list[Plan]:
    """Return the ways to send a turn with those of a client that opens the app's page before.

    They come first where the page begins a session and no other says who is talking, else last: a page that begins none
    is opened only where turns are refused without.

    Args:
        plans: the ways that are known, best first.
        everything: all endpoints of the app, its pages among them.
    """
    pages = _pages(everything)
    beginning = next((e for e in pages if e.handler is not None and e.handler.begins), None)
    if beginning is not None:
        after = [_put_after(plan, beginning) for plan in plans if plan.session_field is None and _may_follow(plan)]
        return [*after, *plans]
    visit = _visit_page(plans[0], pages) if plans else None
    return [*plans, visit] if visit is not None else [*plans]


def visit_form(plan: Plan, session: Field, everything: Sequence[Endpoint]) -> Plan | None:
    """Return a plan whose client takes the session out of the form of a page that it opens first, if there is one.

    Args:
        plan: sends turns as that form does.
        session: the form's hidden field.
        everything: all endpoints of the app.
    """
    visit = _visit_page(plan, _pages(everything))
    said = f"its form has a `{session.place}` that the app has filled in"
    return replace(visit, given=session.name, why=(*visit.why, said)) if visit is not None else None


def _pages(everything: Sequence[Endpoint]) -> list[Endpoint]:
    return [e for e in everything if e.method == "GET" and "{" not in e.path]


def _visit_page(plan: Plan, pages: Sequence[Endpoint]) -> Plan | None:
    """Return a plan after a visit to the page that has its form, as far as paths tell."""
    page = next((e for path in (plan.path, "/") for e in pages if e.path == path), None)
    return _put_after(plan, page) if page is not None and _may_follow(plan) else None


def _may_follow(plan: Plan) -> bool:
    return plan.opening is None and plan.method != "GET"


def _put_after(plan: Plan, page: Endpoint) -> Plan:
    visit = Plan(method="GET", path=page.path, encoding="none")
    return replace(plan, opening=visit, why=(*plan.why, f"a browser opens `{page.path}` first"))
