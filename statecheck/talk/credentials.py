"""Credentials that a client makes by itself, with no request before: a name and a password that it sends along."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.source.fields import BASIC
from statecheck.source.handlers.accounts import Account
from statecheck.talk.sign_in import MADE_UP, carry_token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statecheck.source.fields import Field
    from statecheck.talk.field_roles import Choice
    from statecheck.talk.plan import Plan

_PASSWORD = "Sc-Pass-2468!"  # noqa: S105 - of users that are made up; it has what rules for passwords ask for


def name_client(known: Account | None, key: str) -> Account:
    """Return the name and the password by which a client signs in: of whom the app knows, else of its own key."""
    return known or Account(key, _PASSWORD)


def spell_credentials(who: Account) -> dict[str, str]:
    """Return the placeholders, without braces, that say who sends a request, and what stands for them."""
    return {"password": who.password, "basic": b64encode(f"{who.name}:{who.password}".encode()).decode()}


def find_basic(fields: Sequence[Field]) -> Field | None:
    """Return the field in which a name and a password come with every request, or None."""
    return next((field for field in fields if field.dress == BASIC), None)


def sign_each(
    choice: Choice, credential: Field, accounts: Sequence[Account], draft: Callable[[Choice], Sequence[Plan]]
) -> list[Plan]:
    """Return plans whose clients say who they are with every request: those whom the code knows, else made up.

    Args:
        choice: the fields' roles.
        credential: where they say it; the session, where nothing else says who is talking.
        accounts: whom the app knows by its own code.
        draft: writes the plans of a choice down.
    """
    carried, name = carry_token(choice, credential, BASIC)
    plans = draft(carried)
    place = str(credential.place)
    if name == "session":
        plans = [replace(plan, session_field=place) for plan in plans]
    known = ", ".join(f"`{account.name}`" for account in accounts)
    ways = [(tuple(accounts), f"`{place}` says who it is of whom the code knows: {known}")] if accounts else []
    ways.append(((), f"`{place}` says who it is, {MADE_UP}"))
    return [
        replace(plan, accounts=people, lone=place if len(people) == 1 else plan.lone, why=(*plan.why, why))
        for people, why in ways
        for plan in plans
    ]
