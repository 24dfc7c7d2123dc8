"""Tenants: schools, companies, shops. Two of them may have given one key to somebody of theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.source.roles import as_set, words
from statecheck.talk.field_roles import sample_value
from statecheck.talk.variations import is_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.source.fields import Field, Json
    from statecheck.talk.field_roles import Choice

_TENANTS = as_set(
    "tenant tenants org orgs organization organizations organisation organisations company companies school schools "
    "workspace workspaces project projects team teams shop shops store stores branch branches clinic clinics hospital "
    "hospitals practice hotel hotels firm firms brand campus agency university college club clubs library restaurant "
    "merchant vendor partner franchise property realm site sites ward department dept district county municipality city"
)
_UNIQUE = frozenset(("made", "learned"))
"""How a client comes by keys of which no two are the same, whoever sends them."""


def is_tenant(field: Field) -> bool:
    """Whether a field's name is that of one of several tenants, each with users or conversations of its own."""
    said = words(field.name)
    plain = field.type in ("", "string", "integer") and field.turn_keys is None and bool(field.place.path)
    return plain and field.place.where != "cookie" and bool(_TENANTS & {*said}) and not is_user(field)


def move_elsewhere(choice: Choice, taken: Sequence[Field]) -> tuple[Field, Choice] | None:
    """Return a tenant's field with the name of another one in it, and the choice that has it so.

    None where a request names no tenant, where another one is not known by what the code takes, or where no two
    clients have one session key.

    Args:
        choice: the fields' roles.
        taken: the fields as the server declares them.
    """
    others = [field for field in choice.sessions if not is_tenant(field)]
    if not others or any(field.form == "uuid" or field.origin in _UNIQUE or "uuid" in field.said for field in others):
        return None
    sent = [field for field in choice.order if field != choice.message]
    more = [field for field in taken if not any(field.place.matches(each.place) for each in sent)]
    for field in (*sent, *more):
        # what the model is told of is no part of a key
        if is_tenant(field) and field.leaning <= 0 and (another := _name_another(field, choice)) is not None:
            moved = replace(field, value=another, known=True)
            rest = tuple(each for each in choice.extras if each != field)
            order = tuple(moved if each == field else each for each in choice.order)
            return moved, replace(
                choice,
                sessions=tuple(others) if field in choice.sessions else choice.sessions,
                extras=(*rest, moved),
                order=order if moved in order else (*order, moved),
            )
    return None


def is_numbered(tenant: Field, there: Choice) -> bool:
    """Whether a tenant gives the keys of its own users: numbers, or what comes after it in the path."""
    key = there.sessions[0]
    return key.form == "integer" or (tenant.place.where == key.place.where == "path" and is_user(key))


def _name_another(field: Field, choice: Choice) -> Json:
    """Return the name of a tenant that is not the one which the field has otherwise; None where none can be made up."""
    used = sample_value(field)
    if field.limited:
        return next((each for each in field.options if each not in (used, None, "")), None)
    if field.form == "integer" or field.type == "integer":
        return used + 1 if isinstance(used, int) else 2
    if field.form != "token":
        return None
    return field.dress.replace("{session}", "sc-2") if field in choice.sessions else f"{used or 'sample'}-2"
