"""How a client gets a session that the app gives: the request that opens one, or a first turn without any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from statecheck.source import weights
from statecheck.source.fields import plain
from statecheck.source.roles import as_set, is_reply_id, is_setting, leaning, words
from statecheck.talk.field_roles import Choice, choose_roles, sample_value
from statecheck.talk.plan import HISTORY, MESSAGE, MESSAGES
from statecheck.talk.request_template import Sending, draft_plan, fill_request, says_who

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.source.fields import Field
    from statecheck.talk.endpoints import Endpoint
    from statecheck.talk.plan import Json, Plan

_BEGINS = as_set("new create start open begin init initialize join register login signin signup token auth")
_SESSIONS = as_set("session thread conversation chat room dialog dialogue channel user login token auth")
_OF_ANSWERS = ("id", "message_id", "messageId", "answer_id", "response_id", "reply_id")
_OPENING = "opening"
_FIRST_WORDS = "Good morning"
_TOKENS = ("access_token", "token", "session_token", "api_token", "key")


def open_session(ways: Sending, session: Field, later: Plan, others: Iterable[Endpoint]) -> Plan | None:
    """Return a plan that asks another endpoint for the session first, if one gives or makes it.

    Args:
        ways: how the turns are sent.
        session: the field in which they carry it.
        later: a turn's plan, once there is a session.
        others: the app's endpoints.
    """
    rated = [(_opens(other, ways.endpoint, session), other) for other in others if other is not ways.endpoint]
    score, best = max(rated, key=lambda pair: pair[0], default=(0.0, None))
    if best is None or score < weights.OPENS:
        return None
    request, lone = _request(ways, best, session)
    chosen = "{session}" in request.path  # the client names the session, and the app makes it
    given = "" if chosen else _name(session, best)
    said = f"`{best.label}` opens the session that `{session.place}` carries"
    return replace(later, opening=request, given=given, lone=lone, why=(*later.why, said))


def begin_without_session(ways: Sending, choice: Choice) -> Plan:
    """Return a plan whose first turn carries no session, or null as client code does, as its answer gives one."""
    session, *others = choice.sessions
    said = f"`{session.place}` may be left out: a client first comes without it, and sends back what the answer gives"
    later = draft_plan(ways, choice, given=session)
    nothing = replace(session, value=None, known=True)
    sent = (nothing,) if session.origin == "learned" and session.place.where == "body" and session.required else ()
    order = tuple(nothing if field == session else field for field in choice.order)
    without = replace(choice, sessions=tuple(others), extras=(*choice.extras, *sent), order=order)
    opening = draft_plan(ways, without, given=session)
    return replace(later, opening=opening, given=_answered_as(session, ways.endpoint), why=(*later.why, said))


def find_chain(choice: Choice, endpoint: Endpoint) -> Choice | None:
    """Return the choice with the field first that names the message which a turn answers; None where there is none.

    Beside it another says whose the conversation is (`chat_id` beside `parent_id`): that stays from turn to turn. The
    answer has to have an id.
    """
    chained = next((field for field in choice.order if is_reply_id(field.name) and not field.limited), None)
    others = tuple(field for field in choice.sessions if field != chained)
    if chained is None or not others or (chained.required and not chained.said):
        return None
    if _answered_as(chained, endpoint) == chained.name:
        return None
    extras = tuple(field for field in choice.extras if field != chained)
    return replace(choice, sessions=(chained, *others), extras=extras)


def _answered_as(session: Field, endpoint: Endpoint) -> str:
    """Return what an answer calls the value that a later turn's field takes: its own id, where that is answered."""
    if not is_reply_id(session.name):
        return session.name
    return next((name for name in _OF_ANSWERS if name in endpoint.answers), session.name)


def fetch_cookie(ways: Sending, choice: Choice, others: Iterable[Endpoint]) -> Plan | None:
    """Return a plan whose client first asks another endpoint that sets the cookie which carries the session.

    The turns say nothing of it: a browser returns what it was given, as far as the cookie's path allows.
    """
    session = choice.sessions[0]
    if session.place.where != "cookie":
        return None
    for other in others:
        sets = other.handler.sets_cookies if other.handler is not None else ()
        if session.name not in sets or other is ways.endpoint or "{" in other.path or _wants_message(other):
            continue
        said = (
            f"`{other.label}` sets `{session.place}`, so a client asks there first: a browser returns what it was given"
        )
        later = draft_plan(ways, replace(choice, sessions=(), why=(*choice.why, said)))
        return replace(later, opening=_request(ways, other, None)[0])
    return None


def opens_path(session: Field, plan: Plan) -> bool:
    """Whether a plan opens what its turns' path lies in: `POST /threads`, then `/threads/7`."""
    return plan.opening is not None and session.place.where == "path" and plan.path.startswith(plan.opening.path)


def speaks_first(plan: Plan) -> bool:
    """Whether what opens a session is sent words too, and so counts as its first turn."""
    return plan.opening is not None and bool(plan.opening.message_field) and plan.opening.path != plan.path


def opens_by_request(plan: Plan) -> bool:
    """Whether a request that is no turn opens a session, and its answer gives that one's id."""
    return plan.opening is not None and bool(plan.given) and not plan.opening.message_field


def only_open(plan: Plan) -> Plan:
    """Return a plan whose first turn is what opens its session, and no more."""
    assert plan.opening is not None
    return replace(plan, opening=replace(plan.opening, message_field=_OPENING), reply=None)


def open_apart(plan: Plan) -> Plan:
    """Return a plan whose session is opened by other words than its first turn's: a chat is named by a model, say."""
    assert plan.opening is not None
    opening, label = plan.opening, f"{plan.opening.method} {plan.opening.path}"
    role, content = opening.turn_keys
    words_of: dict[str, Json] = {MESSAGE: _FIRST_WORDS, MESSAGES: [{role: "user", content: _FIRST_WORDS}], HISTORY: []}
    said = f"what `{label}` is told is no turn of the conversation that it opens: the next turns are not given it"
    opening = replace(
        opening,
        body=_put_in(opening.body, words_of),
        path=opening.path.replace(MESSAGE, quote(_FIRST_WORDS)),
        query=tuple((name, value.replace(MESSAGE, _FIRST_WORDS)) for name, value in opening.query),
        headers=tuple((name, value.replace(MESSAGE, _FIRST_WORDS)) for name, value in opening.headers),
        cookies=tuple((name, value.replace(MESSAGE, _FIRST_WORDS)) for name, value in opening.cookies),
        message_field="",
    )
    return replace(plan, opening=opening, why=(*plan.why, said))


def _put_in(value: Json, words_of: Mapping[str, Json]) -> Json:
    """Return a request's value with these in the place of its placeholders."""
    if isinstance(value, str):
        return words_of[value] if value in words_of else value.replace(MESSAGE, _FIRST_WORDS)
    if isinstance(value, list):
        return [_put_in(item, words_of) for item in value]
    return {key: _put_in(item, words_of) for key, item in value.items()} if isinstance(value, dict) else value


def _opens(other: Endpoint, turns: Endpoint, session: Field) -> float:
    """How likely an endpoint opens the sessions of another: by its path, its name and its answers."""
    if other.method not in ("POST", "PUT", "GET") or other.path == turns.path:
        return 0.0
    said = {word.removesuffix("s") for part in other.path.split("/") if "{" not in part for word in words(part)}
    said |= {word.removesuffix("s") for word in words(other.route.name)}
    begins = bool(said & _BEGINS)
    score = 0.0
    parameter = f"{{{session.name}}}"
    if session.place.where == "path" and parameter in turns.path:
        upto = turns.path[: turns.path.index(parameter)].rstrip("/")
        after = other.path.removeprefix(upto).strip("/") if other.path.startswith(upto) else None
        if after == "" and other.method != "GET":
            score += weights.OPENS_ABOVE_PATH
        elif after == parameter and other.method in ("PUT", "POST"):
            score += weights.OPENS_OWN_PATH
        elif after is not None and "{" not in after and begins:
            score += weights.OPENS_NAMED_PATH
    if "{" in other.path.replace(parameter, "") and score == 0:
        return 0.0
    names = {plain(name) for name in other.answers}
    answers = plain(session.name) in names or _answers_id(session, names, said)
    if answers or (_is_token(session) and names & {plain(token) for token in _TOKENS}):
        score += weights.ANSWERS_SESSION
    if answers and any(field.type == "file" for field in other.fields):
        score += weights.UPLOADS
    if answers and _wants_message(other) and not _takes_session(other):
        return score + weights.FIRST_TURN
    named = bool(said & (_SESSIONS | set(words(session.name))))
    score += weights.NAMES_SESSION * named + weights.NAMES_BEGINNING * begins
    score += weights.NAMES_BOTH * (named and begins)
    speaks = _wants_message(other) and score < weights.OPENS_ABOVE_PATH
    return score + weights.ASKED_BY_GET * (other.method == "GET") + weights.SPEAKS_ITSELF * speaks


def _answers_id(session: Field, names: set[str], said: set[str]) -> bool:
    """Whether an answer has the bare id of what the session is the id of: `{"conversation": {"id": …}}`."""
    thing = {word.removesuffix("s") for word in words(session.name)} - {"id"}
    return "id" in names and "id" in words(session.name) and bool(thing) and thing <= said | names


def _wants_message(other: Endpoint) -> bool:
    """Whether an endpoint asks its model for an answer at once."""
    return other.handler is not None and other.handler.model >= weights.FIRST_MESSAGE


def _takes_session(other: Endpoint) -> bool:
    """Whether a turn at an endpoint says itself who is talking."""
    choice = choose_roles(other.fields)
    return isinstance(choice, Choice) and bool(choice.sessions)


def _is_token(session: Field) -> bool:
    return plain(session.name) == "authorization"


def _name(session: Field, other: Endpoint) -> str:
    """Return what the answer that opens a session calls it."""
    if not _is_token(session):
        return session.name
    names = {plain(name): name for name in other.answers}
    return next((names[plain(token)] for token in _TOKENS if plain(token) in names), "token")


def _request(ways: Sending, other: Endpoint, session: Field | None) -> tuple[Plan, str]:
    """Return what opens a session, and what makes all clients one user in it, or "".

    There is a message in it, if the endpoint asks its model for an answer at once.
    """
    asked = replace(ways, endpoint=other, call=next(iter(other.calls), None))
    fields = asked.fields()
    if _wants_message(other):
        choice = choose_roles(fields)
        if isinstance(choice, Choice):
            needed = tuple(field for field in choice.sessions if field.required)
            return draft_plan(asked, replace(choice, sessions=needed), given=session), ""
    sent = [field for field in fields if field.required or field.place.where == "path"]
    alone = next((str(field.place) for field in sent if field.limited and says_who(field)), "")
    request = fill_request(asked, [(field, _value(field, session)) for field in sent])
    if request.body is None and other.encoding == "json":  # all of it has defaults, and yet it must be there
        request = replace(request, encoding="json", body={})
    return request, alone


def _value(field: Field, session: Field | None) -> Json:
    if session is not None and field.place.where == "path" and plain(field.name) == plain(session.name):
        return field.dress
    text = field.type in ("", "string") and not field.limited and not field.known
    who = leaning(field.name) <= weights.NAMED_SESSION and not is_setting(field.name)
    return field.dress.replace("{session}", "{user}") if text and who else sample_value(field)
