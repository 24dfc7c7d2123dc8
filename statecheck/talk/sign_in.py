"""How a client signs in before it talks: it registers, or is somebody whom the app knows, and carries a token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.fields import plain
from statecheck.source.handlers.accounts import Account, is_login_name, is_password
from statecheck.source.roles import as_set, words
from statecheck.talk.field_roles import NOBODY, Choice, sample_value
from statecheck.talk.plan import PASSWORD, SESSION, USER, Plan, Preliminary
from statecheck.talk.request_template import Sending, fill_request, merge_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from statecheck.source.fields import Field
    from statecheck.talk.endpoints import Endpoint
    from statecheck.talk.plan import Json

_SURELY = as_set("login signin logon authenticate")
_SIGNS_IN = as_set("auth token tokens jwt guest anonymous")
_NEW = as_set("register registration signup")
_PEOPLE = as_set("users accounts user account members")
_OTHERWISE = as_set(
    "refresh revoke verify validate reset logout signout forgot forgotten change confirm confirmation me delete remove "
    "callback introspect exchange info password activate resend request"
)
_LEAST = 3
"""A path and a name that say nothing else, or a password that a token is given for."""
_TOKENS = ("access_token", "accessToken", "token", "id_token", "jwt", "auth_token", "session_token", "api_key", "key")
_CREDENTIALS = as_set(
    "authorization token authtoken xauthtoken accesstoken xaccesstoken xtoken bearer jwt sessiontoken xsessiontoken "
    "usertoken xusertoken apikey xapikey"
)
MADE_UP = "with a name and a password that are made up"


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way to sign in.

    Attributes:
        before: what is sent for it; the last answer gives the token, if one is given.
        token: what that answer calls the token, or "" where only cookies are set.
        accounts: who signs in, or () for users that are made up.
        lone: the field that says who is talking, where the app knows but one; or "".
        why: a sentence.
    """

    before: tuple[Preliminary, ...]
    token: str
    accounts: tuple[Account, ...]
    lone: str
    why: str

    def put_before(self, plan: Plan, name: str) -> Plan:
        """Return a plan whose clients sign in first; the token fills the placeholder of this name."""
        *earlier, last = self.before
        gives = ((name, self.token),) if self.token else ()
        before = (*earlier, replace(last, gives=gives))
        session = name == "session" and self.token
        return replace(
            plan,
            before=before,
            opening=_carry_along(plan, name) if plan.opening is not None else None,
            accounts=self.accounts,
            lone=plan.lone or self.lone,
            given=self.token if session else plan.given,
            why=(*plan.why, self.why),
            elsewhere=replace(plan.elsewhere, plan=self.put_before(plan.elsewhere.plan, name))
            if plan.elsewhere is not None and not session
            else None,
            keyless=None if session else plan.keyless,
            flags=tuple((said, self.put_before(each, name)) for said, each in plan.flags),
        )


def _carry_along(plan: Plan, name: str) -> Plan:
    """Return a plan's opening with the token that its turns carry."""
    opening, token = plan.opening, f"{{{name}}}"
    assert opening is not None
    return replace(
        opening,
        headers=merge_headers(opening.headers, tuple(pair for pair in plan.headers if token in pair[1])),
        query=merge_headers(opening.query, tuple(pair for pair in plan.query if token in pair[1])),
        cookies=merge_headers(opening.cookies, tuple(pair for pair in plan.cookies if token in pair[1])),
    )


def find_credential(fields: Sequence[Field]) -> Field | None:
    """Return the field in which a request carries what signing in gives; none whose value the code itself tells."""
    able = (f for f in fields if f.place.where != "path" and len(f.place.path) == 1 and not f.limited)
    return next((f for f in able if plain(f.name) in _CREDENTIALS and (not f.known or f.value in (None, ""))), None)


def carry_token(choice: Choice, credential: Field, spelled: str = "") -> tuple[Choice, str]:
    """Return a choice whose credential is a token that is given, and the name of the placeholder for that.

    Where nothing else says who is talking, the token does, and is the session. `spelled` is written in its place.
    """
    others = tuple(f for f in choice.sessions if f != credential)
    name = "token" if others else "session"
    carried = replace(credential, value=spelled or f"{{{name}}}", known=True, limited=False, required=True)
    order = tuple(carried if f == credential else f for f in choice.order)
    order = order if carried in order else (*order, carried)
    extras = (*(f for f in choice.extras if f != credential), carried)
    said = "" if others else f"`{credential.place}` carries the session: it says who has signed in"
    why = tuple(said if said and each == NOBODY else each for each in choice.why)
    return replace(choice, sessions=others, extras=extras, order=order, why=why), name


def list_ways_in(
    ways: Sending, everything: Sequence[Endpoint], accounts: Sequence[Account], *, token: bool
) -> list[SignIn]:
    """Return how a client may sign in, likeliest first: registered, as somebody who is known, or under any name.

    Args:
        ways: how the turns are sent, whose own endpoint is none to sign in at.
        everything: the app's endpoints.
        accounts: whom the app knows by its own code.
        token: what signs in has to give a token.
    """
    others = [e for e in everything if e.path != ways.endpoint.path and e.method in ("POST", "PUT")]
    login, register = _best(others, _rate_login), _best(others, _rate_register)
    door = login or register
    if door is None or (token and not (_token_of(door) or door is login)):
        return []
    called = (_token_of(door) or "access_token") if token else ""
    found = []
    if register is not None:
        steps = [_write(ways, register, door.fields)]
        steps += [_write(ways, login, register.fields)] if login is not None else []
        before = tuple(Preliminary(each, optional=n < len(steps) - 1) for n, each in enumerate(steps))
        labels = " and ".join(f"`{each.label}`" for each in (register, login) if each is not None)
        found.append(SignIn(before, called, (), "", f"{labels} let a client in, {MADE_UP}"))
    if login is None:
        return found
    known = _complete(accounts, login)
    if known:
        step = Preliminary(_write(ways, login, (), made_up=False))
        names = ", ".join(f"`{account.name}`" for account in known)
        named = next((str(f.place) for f in login.fields if is_login_name(f.name)), f"answer {called}")
        lone = named if len(known) == 1 else ""
        found.append(SignIn((step,), called, known, lone, f"`{login.label}` lets in whom the code knows: {names}"))
    if register is None:
        step = Preliminary(_write(ways, login, ()))
        found.append(SignIn((step,), called, (), "", f"`{login.label}` lets a client in, {MADE_UP}"))
    return found


def _best(others: Iterable[Endpoint], rate: Callable[[Endpoint, set[str]], int]) -> Endpoint | None:
    """Return the endpoint that rates best, if one does well enough; none that asks a model, or is about one thing."""
    rated = []
    for each in others:
        said = _words(each)
        speaks = each.handler is not None and each.handler.model >= weights.FIRST_MESSAGE
        if not (said & _OTHERWISE or speaks or "{" in each.path):
            rated.append((rate(each, said), each))
    score, best = max(rated, key=lambda pair: pair[0], default=(0, None))
    return best if score >= _LEAST else None


def _words(endpoint: Endpoint) -> set[str]:
    """Return the words of an endpoint's path and name, `sign-in` as one too."""
    said: set[str] = set()
    for part in (*endpoint.path.split("/"), endpoint.route.name):
        own = words(part)
        said |= {*own, *(first + second for first, second in pairwise(own))}
    return said


def _rate_login(endpoint: Endpoint, said: set[str]) -> int:
    if said & _NEW:
        return 0
    opens = bool(_token_of(endpoint)) + any(is_password(f.name) for f in endpoint.fields)
    return 3 * bool(said & _SURELY) + 2 * len(said & _SIGNS_IN) + 2 * opens


def _rate_register(endpoint: Endpoint, said: set[str]) -> int:
    protected = any(is_password(f.name) for f in endpoint.fields)
    return 3 * bool(said & _NEW) + bool(said & _PEOPLE) + 2 * protected - 3 * bool(said & _SURELY)


def _token_of(endpoint: Endpoint) -> str:
    """Return what an endpoint's answer calls the token that it gives, or ""."""
    names = {plain(name): name for name in endpoint.answers}
    known = next((names[plain(token)] for token in _TOKENS if plain(token) in names), "")
    return known or next((name for name in endpoint.answers if _gives_token(words(name))), "")


def _gives_token(parts: Sequence[str]) -> bool:
    return bool(parts) and parts[-1] in ("token", "jwt") and not {"refresh", "csrf", "xsrf"}.intersection(parts)


def _complete(accounts: Sequence[Account], login: Endpoint) -> tuple[Account, ...]:
    """Return whom a request to sign in may name: whom the code knows, else what it compares the fields with."""
    name = next((f for f in login.fields if is_login_name(f.name)), None)
    password = next((f for f in login.fields if is_password(f.name)), None)
    if password is not None and accounts:
        return tuple(accounts)
    names = [str(each) for each in name.options] if name is not None else []
    passwords = [str(each) for each in password.options] if password is not None else []
    if password is not None and not passwords:
        return ()
    if name is None:
        return tuple(Account("", each) for each in passwords[:1])
    return tuple(
        Account(each, passwords[min(n, len(passwords) - 1)] if passwords else "") for n, each in enumerate(names)
    )


def _write(ways: Sending, door: Endpoint, beside: Sequence[Field], *, made_up: bool = True) -> Plan:
    """Return a request to register or to sign in.

    Args:
        ways: how the turns are sent.
        door: the endpoint.
        beside: the fields of the other one, with which it has to agree on who it is.
        made_up: the user is.
    """
    asked = replace(ways, endpoint=door, call=next(iter(door.calls), None))
    by_mail = any(_is_mail(f) for f in beside) and not any(plain(f.name) == "username" for f in beside)
    values: list[tuple[Field, Json]] = []
    for field in asked.fields():
        if is_password(field.name):
            values.append((field, PASSWORD))
        elif is_login_name(field.name) and field.type in ("", "string"):
            mail = made_up and (_is_mail(field) or (by_mail and plain(field.name) == "username"))
            dress = field.dress.replace(SESSION, USER) if made_up and not field.limited else USER
            values.append((field, f"{USER}@example.com" if mail else dress))
        elif plain(field.name) == "granttype":
            values.append((field, "password"))
        elif field.required:
            values.append((field, sample_value(field)))
    request = fill_request(asked, values)
    if request.body is None and door.encoding == "json":
        request = replace(request, encoding="json", body={})
    return request


def _is_mail(field: Field) -> bool:
    return "mail" in plain(field.name) or "@" in field.dress
