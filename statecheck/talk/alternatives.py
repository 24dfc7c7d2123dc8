"""The ways to send a turn to one endpoint: as its clients do, else as the server asks; likeliest first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError, nearest
from statecheck.source import weights
from statecheck.source.fields import Field, Place, plain
from statecheck.talk.credentials import find_basic, sign_each
from statecheck.talk.endpoints import START_EVENT, Endpoint
from statecheck.talk.field_roles import Choice, choose_roles, find_field, find_rivals
from statecheck.talk.page_visits import visit_form
from statecheck.talk.plan import USER
from statecheck.talk.request_template import Sending, draft_plan
from statecheck.talk.session_openings import begin_without_session, fetch_cookie, find_chain, open_session, opens_path
from statecheck.talk.sign_in import carry_token, find_credential, list_ways_in
from statecheck.talk.variations import give_events_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.handlers.accounts import Account
    from statecheck.talk.plan import Overrides, Plan

_MOST_TEXTS = 3
_MOST_VALUES = 4
_MOST_SIGNED = 2


def list_ways(
    sending: Sending, everything: Sequence[Endpoint], overrides: Overrides, accounts: Sequence[Account] = ()
) -> list[Plan]:
    """Return the ways to send a turn to an endpoint; none if no field of it could carry the message.

    Args:
        sending: the endpoint, and the client code that is followed.
        everything: all endpoints of the app, of which one may open a session.
        overrides: what the user settled.
        accounts: whom the app knows by its own code.

    Raises:
        StatecheckError: an option names a field that there is not.
    """
    fields = sending.fields()
    message = find_named(overrides.message_field, "--message-field", fields, sending.endpoint)
    session = find_named(overrides.session_field, "--session-field", fields, sending.endpoint)
    fields = (*fields, *(f for f in (message, session) if f is not None and f not in fields))
    chosen = choose_roles(fields, message, session)
    if isinstance(chosen, Choice) and session is None:
        given = give_events_ids(fields, chosen.sessions, sending.endpoint.path)
        fields, chosen = given, choose_roles(given, message) if given != fields else chosen
    if isinstance(chosen, Choice):
        settled = session is not None
        plans = _of_choice(sending, chosen, everything, message, settled=settled)
        signed, needed = _signed_in(sending, chosen, everything, accounts, settled=settled)
        first, last = (signed, plans) if needed else (plans, signed)
        return [*first, *last, *_fuller(sending, chosen)]
    plans = []
    for text in chosen[:_MOST_TEXTS]:
        guess = choose_roles(fields, text, session)
        assert isinstance(guess, Choice)
        said = f"`{text.place}` may carry the message, as others may: taken if that is seen to reach the model"
        guess = replace(guess, why=(said, *guess.why[1:]))
        plans.append(replace(draft_plan(sending, guess), doubt="message"))
        plans += [_instead(sending, guess, other) for other in find_rivals(guess) if session is None]
    return plans


def _of_choice(
    sending: Sending, chosen: Choice, everything: Sequence[Endpoint], message: Field | None, *, settled: bool
) -> list[Plan]:
    chain = None if settled else find_chain(chosen, sending.endpoint)
    if chain is not None:
        return [begin_without_session(sending, chain), draft_plan(sending, chosen)]
    if chosen.sessions:
        return _with_session(sending, chosen, everything, settled=settled)
    return _without_session(sending, chosen, message)


def _signed_in(
    sending: Sending, chosen: Choice, everything: Sequence[Endpoint], accounts: Sequence[Account], *, settled: bool
) -> tuple[list[Plan], bool]:
    """Return plans whose clients sign in first, and whether turns are refused without."""
    fields = sending.fields()
    credential = find_credential(fields) or find_credential(sending.endpoint.fields)
    given = {name.lower() for name, _ in sending.headers}
    basic = find_basic(fields)
    if basic is not None and basic.name.lower() not in given and basic != (settled and chosen.sessions[0]):
        signed = sign_each(chosen, basic, accounts, lambda each: _drafts(sending, each, everything, settled=settled))
        return signed, True
    if credential is None:
        if chosen.sessions:
            return [], False
        plan = draft_plan(sending, chosen)
        return [way.put_before(plan, "") for way in list_ways_in(sending, everything, accounts, token=False)], False
    if credential.name.lower() in given or (settled and credential in chosen.sessions):
        return [], False
    ways = list_ways_in(sending, everything, accounts, token=True)
    if not ways:
        vouched = _vouch(sending, chosen, credential, everything, settled=settled)
        return vouched, credential.required or credential.demanded
    choice, name = carry_token(chosen, credential)
    plans = _drafts(sending, choice, everything, settled=settled)
    if not choice.sessions:
        plans = [replace(plan, session_field=str(credential.place)) for plan in plans]
    signed = [way.put_before(plan, name) for way in ways for plan in plans]
    looked_up = credential in chosen.sessions or credential.leaning <= weights.FOUND_BY
    return signed, credential.required or credential.demanded or looked_up


def _vouch(
    sending: Sending, chosen: Choice, credential: Field, everything: Sequence[Endpoint], *, settled: bool
) -> list[Plan]:
    """Return plans whose clients say who they are by a credential that nothing in the app issues."""
    if credential in chosen.sessions:
        return []
    choice, name = carry_token(chosen, credential, USER if chosen.sessions else "")
    place = str(credential.place)
    said = f"`{place}` says who it is, and nothing here issues it: each client sends one of its own"
    plans = [replace(plan, why=(*plan.why, said)) for plan in _drafts(sending, choice, everything, settled=settled)]
    if name == "session":  # a guess, where the app may do without it
        sure = credential.required or credential.demanded
        plans = [replace(plan, session_field=place, doubt="" if sure else "session") for plan in plans]
    return plans


def _drafts(sending: Sending, choice: Choice, everything: Sequence[Endpoint], *, settled: bool) -> list[Plan]:
    """Return the first plans of a choice whose clients say who they are."""
    if choice.sessions:
        return _with_session(sending, choice, everything, settled=settled)[:_MOST_SIGNED]
    return [draft_plan(sending, choice)]


def _with_session(sending: Sending, chosen: Choice, everything: Sequence[Endpoint], *, settled: bool) -> list[Plan]:
    """Return plans for one message: with the session that was chosen, and where that may be wrong with others."""
    main = draft_plan(sending, chosen)
    session = chosen.sessions[0]
    if session.origin == "made" and not _is_test(sending):
        said = f"the client makes a new `{session.place}` for every message: `{session.said}`"
        return [replace(main, renews=True, why=(*main.why, said))]
    given = open_session(sending, session, draft_plan(sending, chosen, given=session), everything)
    if given is not None and (opens_path(session, given) or _calls(given, everything) or _starts(given)):
        plans = [given, main]
    else:
        plans = [main, *([replace(given, doubt="session")] if given is not None else [])]
    page = (
        visit_form(draft_plan(sending, chosen, given=session), session, everything)
        if session.origin == "shown"
        else None
    )
    plans[:0] = [page] if page is not None else []
    if settled:
        return plans
    fetched = fetch_cookie(sending, chosen, everything)
    if fetched is not None and not _given_back(session, sending.endpoint):
        return [fetched, *plans]
    if said := _say_why_without(session, sending):
        return [draft_plan(sending, replace(chosen, sessions=(), why=(*chosen.why, said))), *plans]
    if _made_up(session, sending.endpoint):
        said = f"also tried without `{session.place}`: it is made up where it is missing and no answer returns it"
        plans.append(draft_plan(sending, replace(chosen, sessions=(), why=(*chosen.why, said))))
    elif session.origin == "learned" and not _is_test(sending):
        plans.insert(0, begin_without_session(sending, chosen))
    elif session.origin != "kept" and (session.said or _may_be_left_out(sending, session)):
        plans.append(replace(begin_without_session(sending, chosen), doubt="session"))
    if sending.call is None or _is_test(sending):
        plans += [_instead(sending, chosen, other) for other in find_rivals(chosen)]
    return plans


def _say_why_without(session: Field, sending: Sending) -> str:
    """Say why a client comes without the session's key at first, or return ""."""
    if _given_back(session, sending.endpoint):
        return f"the app sets `{session.place}` itself, so a client first comes without it"
    if _never_given(session, sending):
        return f"nothing sets `{session.place}`, so a client comes without it: a browser returns what it was given"
    return ""


def _without_session(sending: Sending, chosen: Choice, message: Field | None) -> list[Plan]:
    """Return plans where no field says who is talking, or no client sends it though the server would take it."""
    main = draft_plan(sending, chosen)
    if sending.call is None:
        return [main, *(_instead(sending, chosen, other) for other in find_rivals(chosen))]
    accepted = choose_roles(sending.endpoint.fields, message)
    if not isinstance(accepted, Choice) or not accepted.sessions:
        return [main]
    said = f"no client sends `{accepted.sessions[0].place}`, but the server would accept it"
    other = draft_plan(replace(sending, call=None), replace(accepted, why=(*accepted.why, said)))
    return [other, main] if _is_test(sending) else [main, other]  # a test that leaves it out speaks for no client


def _instead(sending: Sending, chosen: Choice, other: Field) -> Plan:
    """Return a plan in which another field is the session."""
    guess = choose_roles(chosen.order, chosen.message, other)
    assert isinstance(guess, Choice)
    said = f"`{other.place}` may carry the session instead: taken if it is what changes what is remembered"
    return replace(draft_plan(sending, replace(guess, why=(*guess.why[:1], said))), doubt="session")


def _is_test(sending: Sending) -> bool:
    """Whether the client code that is followed is a test's, which speaks for no client."""
    return sending.call is not None and sending.call.test


def _fuller(sending: Sending, chosen: Choice) -> Iterator[Plan]:
    """Return plans for where nothing arrived: with other values of what is compared, or with all that is read."""
    for extra in chosen.extras:
        for value in extra.options[1:_MOST_VALUES]:
            said = f"`{extra.place}` may have to be `{value}`, which the code compares it with"
            other = replace(extra, value=value)
            extras = tuple(other if field == extra else field for field in chosen.extras)
            order = tuple(other if field == extra else field for field in chosen.order)
            yield draft_plan(sending, replace(chosen, extras=extras, order=order, why=(*chosen.why, said)))
    taken = (chosen.message, chosen.history, *chosen.sessions, *chosen.extras)
    left = [f for f in chosen.order if f not in taken and f.place.where in ("body", "query") and f.place.path]
    if left:
        said = f"also tried with all that the server reads: {', '.join(f'`{field.place}`' for field in left)}"
        yield draft_plan(sending, replace(chosen, extras=(*chosen.extras, *left), why=(*chosen.why, said)))


def _may_be_left_out(sending: Sending, session: Field) -> bool:
    """Whether the server does without a session, whatever an example of a request sends."""
    declared = next((f for f in sending.endpoint.fields if f.place.matches(session.place)), session)
    return not declared.required and (_is_test(sending) or not session.required)


def _calls(plan: Plan, everything: Sequence[Endpoint]) -> bool:
    """Whether client code sends a plan's opening request."""
    assert plan.opening is not None
    paths = {(e.method, e.path) for e in everything if any(not call.test for call in e.calls)}
    return (plan.opening.method, plan.opening.path) in paths


def _starts(plan: Plan) -> bool:
    """Whether what opens the session is a first turn: `/start` gives what `/continue` takes."""
    assert plan.opening is not None
    return bool(plan.opening.message_field) and plan.opening.session_field is None


def _made_up(session: Field, endpoint: Endpoint) -> bool:
    """Whether the server makes a new key where none is sent, and no client sends or gets one."""
    returned = {plain(name) for name in endpoint.answers}
    return session.generated and not session.said and plain(session.name) not in returned


def _given_back(session: Field, endpoint: Endpoint) -> bool:
    """Whether the session is a cookie that the app itself sets."""
    handler = endpoint.handler
    return session.place.where == "cookie" and handler is not None and session.name in handler.sets_cookies


def _never_given(session: Field, sending: Sending) -> bool:
    """Whether the session is a cookie of which no client can know: the app makes up its value and sets other cookies.

    One that client code sends, or that is made outside of what we see (the app would have to have it), is sent.
    """
    if session.place.where != "cookie" or (session.said and not _is_test(sending)):
        return False
    handler = sending.endpoint.handler
    return session.generated or (handler is not None and bool(handler.sets_cookies) and not session.required)


def find_named(name: str | None, option: str, fields: Sequence[Field], endpoint: Endpoint) -> Field | None:
    """Return the field that an option names; one that the server reads in a way we cannot see is taken at its word."""
    if name is None:
        return None
    found = find_field(name, fields) or find_field(name, endpoint.fields)
    if found is not None:
        return found
    known = {".".join(field.place.path).lower(): field for field in (*fields, *endpoint.fields) if field.place.path}
    where, _, path = name.rpartition(" ")
    if where in ("header", "cookie", "query"):
        return Field(Place(where, (path,)))  # type: ignore[arg-type]
    inner = name.removeprefix(f"{START_EVENT}.")
    if endpoint.route.event and nearest(inner, [path.removeprefix(f"{START_EVENT}.") for path in known]) is None:
        return Field(Place("body", (START_EVENT, *inner.split("."))))
    if not known:
        return Field(Place("body" if endpoint.method != "GET" else "query", tuple(name.split("."))))
    meant = nearest(name, known)
    listed = ", ".join(f"`{field.place}`" for field in known.values())
    raise StatecheckError(
        "unknown-field",
        f"`{option} {name}`: `{endpoint.label}` has no such field",
        f"did you mean `{'.'.join(known[meant].place.path)}`?" if meant else f"it has {listed}",
    )
