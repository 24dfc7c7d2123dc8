"""What else a client may send where an endpoint lets it.

No session key, a boolean the other way, a second thread, a key that is spelled like another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.fields import plain
from statecheck.source.roles import as_set, is_reply_id, words
from statecheck.talk.field_roles import sample_value
from statecheck.talk.plan import EVENT, EVENT_NUMBER, EVENT_UUID, Varied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.fields import Field
    from statecheck.talk.field_roles import Choice
    from statecheck.talk.plan import Plan

_USER = as_set(
    "user users username uid account customer member owner person patient student email phone login sub employee guest "
    "visitor pupil resident"
)
_THREAD = as_set("thread threads conversation conv chat session dialog dialogue room topic channel convo")
_STREAM = as_set("stream streaming streamed sse incremental chunked realtime")
_FORGETS = as_set(
    "reset clear new fresh restart forget delete remove erase purge save store persist remember memory history "
    "incognito private temporary temp ephemeral anonymous dry test stateless record log keep retain end close stop "
    "confirm confirmed approve approved cancel accept"
)
"""Words of booleans that are meant to change what is kept, or that answer a question."""
_MOST_FLAGS = 2
_DIVIDED_BY = (10**6 * 2**6, 7 * 8 * 9 * 10 * 11 * 13)
_EVENTS = as_set("message msg update delivery notification idempotency nonce webhook request")
"""Words of the id of one delivery, and `event` where the endpoint is called by other servers."""
_IDS = as_set("id ids key uuid guid sid number no token")
_HOOKS = as_set("webhook webhooks hook hooks twilio whatsapp messenger sms")
_CALLED = _HOOKS | as_set("events event callback inbound incoming notify notification notifications")


def is_user(field: Field) -> bool:
    """Whether a field's name is that of a person."""
    return bool(_USER & {*words(field.name), plain(field.name).removesuffix("id")})


def is_thread(field: Field) -> bool:
    """Whether a field's name is that of one conversation of several."""
    return not is_user(field) and bool(_THREAD & {*words(field.name), plain(field.name).removesuffix("id")})


def find_owners(choice: Choice) -> tuple[Field, ...]:
    """Return the session fields that say whose a conversation is, where another says which of theirs it is.

    Their names tell (`user_id` and `thread_id`; `company` and `member_id`, if code speaks for that one), or the path
    does: in `/guests/{guest}/stays/{stay}` what comes last is one of several that belong to what comes before. Empty
    where that is not known, or a field takes no value of ours.
    """
    sessions = sorted(choice.sessions, key=choice.order.index)
    if any(field.form == "integer" or field.limited for field in sessions):
        return ()
    if any(map(is_thread, sessions)):
        named = tuple(field for field in sessions if not is_thread(field))
        if any(map(is_user, named)):
            return named
    nested = tuple(field for field in sessions if field.place.where == "path")
    if len(nested) == len(sessions):
        return nested[:-1]
    groups = tuple(field for field in sessions if not (is_user(field) or is_thread(field)))
    members = [field for field in sessions if field not in groups]
    persons = bool(members) and all(is_user(field) and field.leaning < 0 for field in members)
    return groups if persons else ()


def vary_alone(choice: Choice) -> Varied | None:
    """Return what is varied while its owners stay; None where no field is known to belong to others."""
    owners = find_owners(choice)
    alone = [field for field in choice.sessions if field not in owners]
    if not owners or not alone:
        return None
    found_by = alone[0].place.where == "path" or alone[0].leaning <= weights.FOUND_BY
    return Varied(
        str(alone[0].place), tuple(str(field.place) for field in owners), person=is_user(alone[0]) and found_by
    )


def leave_keys_out(choice: Choice, taken: Sequence[Field]) -> Choice | None:
    """Return the choice without the session keys that the server does without; None where it needs them all.

    Args:
        taken: the fields as the server declares them.
    """
    needed = [field for field in choice.sessions if _is_needed(field, taken)]
    if len(needed) == len(choice.sessions):
        return None
    return replace(choice, sessions=tuple(needed))


def _is_needed(field: Field, taken: Sequence[Field]) -> bool:
    declared = next((each for each in taken if each.place.matches(field.place)), None)
    sent = field.place.where in ("body", "query", "header")
    return not sent or declared is None or declared.required or declared.demanded


def flip_flags(choice: Choice, taken: Sequence[Field]) -> list[tuple[str, Choice]]:
    """Return for booleans of the request what is said of them the other way, and the choice that has them so.

    How an answer comes (`stream`) is tried first; what is meant to change what is kept is not tried.
    """
    found = []
    for field in _order_flags(choice, taken)[:_MOST_FLAGS]:
        sent = next((f for f in choice.extras if f.place.matches(field.place)), field)
        value = not bool(sample_value(sent))
        flipped = replace(sent, value=value, known=True)
        extras = (*(f for f in choice.extras if f != sent), flipped)
        order = (*(f for f in choice.order if f not in (sent, field)), flipped)
        found.append((f"`{field.name}` = {str(value).lower()}", replace(choice, extras=extras, order=order)))
    return found


def list_unflipped(choice: Choice, taken: Sequence[Field]) -> tuple[str, ...]:
    """Return the names of the booleans that are sent one way only: they are meant to change what is kept, or many."""
    tried = _order_flags(choice, taken)[:_MOST_FLAGS]
    return tuple(field.name for field in _list_booleans(choice, taken) if field not in tried)


def _order_flags(choice: Choice, taken: Sequence[Field]) -> list[Field]:
    able = [field for field in _list_booleans(choice, taken) if not _FORGETS & {*words(field.name)}]
    return sorted(able, key=lambda field: not is_stream(field.name))


def _list_booleans(choice: Choice, taken: Sequence[Field]) -> list[Field]:
    booleans = (f for f in taken if f.type == "boolean" and f.place.where in ("body", "query") and f.place.path)
    return [field for field in booleans if field not in choice.sessions]


def is_stream(name: str) -> bool:
    """Whether a name says that an answer comes piece by piece."""
    return bool(_STREAM & {*words(name)})


def has_spellings(plan: Plan) -> bool:
    """Whether a client sends a key of its own, which another one may be like: no UUID."""
    alike = plan.session_form in ("token", "integer")
    return plan.session_field is not None and alike and not (plan.given or plan.renews)


def respell_key(plan: Plan, key: str, spelling: int) -> str | None:
    """Return another user's key that is spelled like one: in capitals, with other punctuation, with more behind it.

    A number's likes have the same remainder, those of an address are at other hosts. None where it would be the same
    user's (an address in capitals), or there are no more.
    """
    if plan.session_form == "integer":
        return _respell_number(int(key), spelling)
    if "mail" in (plan.session_field or "").lower():
        return None if spelling == 1 else _respell_address(key, spelling)
    return (key.upper(), key.replace("-", "_"), key.replace("-", "."), key.replace("-", " "), f"{key}-2")[spelling - 1]


def _respell_address(key: str, spelling: int) -> str:
    """Return one of several addresses of e-mail, the first two of which differ in what stands behind the `@` alone."""
    local = (key, key, key.replace("-", "."), f"{key}-2")[spelling - 2]
    return f"{local}@{'b' if spelling == 3 else 'a'}.example"


def _respell_number(key: int, spelling: int) -> str | None:
    """Return a number of the same remainder by what code divides by: powers of ten and two, or small numbers."""
    if spelling > len(_DIVIDED_BY):
        return None
    step = _DIVIDED_BY[spelling - 1]
    return str(key - step if key > 2 * step else key + step)


def is_hook(path: str) -> bool:
    """Whether other servers call an endpoint, by the words of its path: they deliver again what was not answered."""
    return bool(_HOOKS & {*words(path)})


def has_events(plan: Plan) -> bool:
    """Whether what a client sends may be delivered twice."""
    return is_hook(plan.path) or any("{event" in text for text in _texts((plan.body, plan.query, plan.headers)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)


def give_events_ids(fields: Sequence[Field], sessions: Sequence[Field], path: str) -> tuple[Field, ...]:
    """Return the fields, those that hold the id of one delivery with a value that each message has of its own.

    Where nothing else says who is talking, what looks like such an id is the session's.
    """
    found = [field for field in fields if _is_event_id(field, path)]
    if not found or not [field for field in sessions if field not in found]:
        return tuple(fields)
    return tuple(replace(f, value=_event_value(f), known=True, limited=True) if f in found else f for f in fields)


def _is_event_id(field: Field, path: str) -> bool:
    said = words(field.name)
    if (
        len(said) < 2
        or said[-1] not in _IDS
        or is_reply_id(field.name)
        or field.place.where not in ("body", "query", "header")
        or field.limited
    ):
        return False
    return bool(_EVENTS & {*said[:-1]}) or ("event" in said[:-1] and bool(_CALLED & {*words(path)}))


def _event_value(field: Field) -> str:
    if field.form == "uuid":
        return EVENT_UUID
    return EVENT_NUMBER if field.form == "integer" or field.type in ("integer", "number") else EVENT
