"""A client of the target: one turn is one new connection (keep-alive hides a split between workers), or one call."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from statecheck.lab import http_turns
from statecheck.lab.connections import Connection, converse
from statecheck.lab.promises import promises_more
from statecheck.lab.wordings import message_of
from statecheck.probe.channel import Closed
from statecheck.talk.credentials import name_client, spell_credentials
from statecheck.talk.requests import Request, render, session_key
from statecheck.talk.session_from_answer import find_session, find_token

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from statecheck.lab.workers.worker import Worker
    from statecheck.source.handlers.accounts import Account
    from statecheck.steps import Wording
    from statecheck.talk.plan import Plan, Preliminary


@dataclass
class Client:
    """One user at one browser: a session key, what the browser keeps (cookies, a page's query) and what was said.

    Attributes:
        key: its own, made once.
        account: by which it signs in, where the app knows its users; else by its key and a password that is made up.
        given: the session that the app has given it, or that its code has made for the message at hand.
        values: what the app has given it besides, by the names of the placeholders that they fill.
        signed: it has done what comes before all else.
        opened: it has asked for a session, where one must be asked for, or has opened the page.
        token: what a page gave it to send along, against forged requests.
        line: the connection of the request that is under way, or was last.
        stays: its connection is left open after a turn, for the next one.
        open: the connection that was left open, if any.
        asked: what the app calls the question that it has asked and that is not answered yet, if any.
        asked_in: the number of the turn in which it did; 0 where nothing is asked.
        tab: which tab of a page it is; "" where there is one only.
        wording: how it writes.
    """

    key: str
    cookies: dict[str, str] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    account: Account | None = None
    given: str | int | None = None
    values: dict[str, str] = field(default_factory=dict)
    signed: bool = False
    opened: bool = False
    token: str = ""
    line: socket.socket | None = None
    stays: bool = False
    open: Connection | None = None
    asked: str | int | None = None
    asked_in: int = 0
    tab: str = ""
    wording: Wording = "line"

    @property
    def session(self) -> str | int:
        """The session key that it sends."""
        return self.key if self.given is None else self.given

    def again(self, tab: str = "") -> Client:
        """Another tab of the same browser, of this name where it is a page's: the same cookies, a jar of its own."""
        own = replace(self, cookies=dict(self.cookies), said=list(self.said), values=dict(self.values))
        own.open, own.tab = None, tab or self.tab
        return own

    def follow(self, tab: Client, heard: int) -> None:
        """Go on after a tab in which so much was heard before it: one chat shows all, but an older page may not."""
        if tab is not self:
            self.said += tab.said[heard:]
            self.tab = f"{tab.tab}-later" if tab.tab else ""

    def hang_up(self) -> None:
        """Close the connection that was left open, if there is one."""
        if self.open is not None:
            self.open.close()
            self.open = None

    def begin_thread(self, plan: Plan, key: str) -> Client:
        """The same user at the same browser in another thread, which has this key unless the app gives it one."""
        return replace(self.again(), said=[], given=None if plan.given else key, opened=False, asked=None, asked_in=0)


@dataclass(frozen=True)
class Answer:
    """What came back for a turn.

    Attributes:
        status: HTTP status, 200 for a call that returned; 0 if nothing came back.
        text: the body, or what the call returned.
        error: why nothing came back, or the exception that the app's call ended with.
        tokens: the numbers under which the worker knows this turn.
        seconds: from sending until the app's call had returned.
        asked: the request, where it was one that comes before the turn; else "".
        headers: the answer's, by lower-case names; `location` is where it leads or was redirected to.
        ignored: cookies that it set and the client's browser did not keep, each with its size.
    """

    status: int
    text: str
    error: str
    tokens: tuple[int, ...]
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    asked: str = ""

    @property
    def streamed(self) -> bool:
        """Whether the body came in several pieces, and nobody knew its length before."""
        return bool(self.headers) and "content-length" not in self.headers

    @property
    def acknowledged(self) -> bool:
        """Whether the app said that it took the turn."""
        return 200 <= self.status < 400


class Markers:
    """A source of markers and session keys: the same seed and experiment, the same markers and keys."""

    def __init__(self, seed: int, experiment: str = "") -> None:
        self._seed = seed
        self._random = random.Random(f"{seed} {experiment}")  # noqa: S311 - names, not secrets
        self._texts: dict[int, str] = {}

    def of(self, experiment: str) -> Markers:
        """The source of one experiment: experiments run beside each other, in no fixed order."""
        return Markers(self._seed, experiment)

    def marker(self, text: int = 0) -> str:
        """The next marker, `sc-m` and eight hexadecimal digits; for a numbered text the one that it has had before."""
        made = self._texts.get(text) or f"sc-m{self._random.getrandbits(32):08x}"
        self._texts |= {text: made} if text else {}
        return made

    def client(self, plan: Plan, number: int) -> Client:
        """A new client with a session key of its own, in the form that the app asks for.

        Args:
            plan: how it talks.
            number: which of those whom the app knows it is, where the app knows its users: 0, 1, …, or -1, the last.
        """
        account = plan.accounts[number % len(plan.accounts)] if plan.accounts else None
        return Client(session_key(plan.session_form, self._random), account=account)


_ASK_SECONDS = 5.0  # for a run that asks when its turn has been answered
_NOT_GIVEN = 502  # the answer of somebody who was let down by another
_AGAINST_FORGERY = "X-CSRFToken"  # Django's, and one of those that Flask-WTF takes
_call_tokens = itertools.count(1_000_000)  # above all port numbers


def take_turn(
    worker: Worker,
    plan: Plan,
    client: Client,
    marker: str,
    seconds: float,
    invoked: Callable[[int], None] = lambda _token: None,
) -> Answer:
    """Send one turn and wait until the app's call has returned, background tasks included.

    A client that has no session yet first does what the plan says of that; so may fail what comes before the turn. One
    that was asked something answers that.

    Args:
        seconds: how long to wait, for the answer and again for the call's end.
        invoked: called with a token of the turn before anything is sent.
    """
    if plan.reply is None:
        return _go_on(worker, plan, client, marker, seconds, invoked)
    if client.asked is not None:
        answer = _exchange(worker, plan.reply, client, marker, seconds, invoked)
        client.asked = None if answer.acknowledged else client.asked
        return answer
    before = worker.asked
    answer = _go_on(worker, plan, client, marker, seconds, invoked)
    if not answer.acknowledged:
        return answer
    if plan.reply.awaited:  # a run may go on after it has been acknowledged
        worker.wait(lambda: worker.asked > before, min(seconds, _ASK_SECONDS))
    if worker.asked == before and plan.reply.awaited:
        return answer
    given = plan.reply.given
    client.asked = find_session(answer.text, answer.headers, given) if given else client.session
    return answer


def _go_on(
    worker: Worker, plan: Plan, client: Client, marker: str, seconds: float, invoked: Callable[[int], None]
) -> Answer:
    """Send a turn in which nothing is answered that was asked; where it needs a session, after getting one."""
    if plan.renews:
        client.given = session_key(plan.session_form, random.Random(marker))  # noqa: S311 - a name, not a secret
    for each in plan.before if not client.signed else ():
        answer = _exchange(worker, each.request, client, marker, seconds, invoked)
        asked = f"{each.request.method} {each.request.path}"
        if not answer.acknowledged and not each.optional:
            return replace(answer, asked=asked)
        missing = _take_values(client, each, answer)
        if missing and not each.optional:
            return replace(answer, status=_NOT_GIVEN, error=f"its answer has no `{missing}`", asked=asked)
    client.signed = True
    if plan.opening is not None and not client.opened:
        answer = _exchange(worker, plan.opening, client, marker, seconds, invoked)
        if plan.given and answer.acknowledged:
            client.given = find_session(answer.text, answer.headers, plan.given, plan.path)
        client.token = find_token(answer.text)
        client.opened = answer.acknowledged and (client.given is not None or not plan.given)
        if plan.opening.message_field:
            return answer
        if not answer.acknowledged:
            return replace(answer, asked=f"{plan.opening.method} {plan.opening.path}")
    answer = _exchange(worker, plan, client, marker, seconds, invoked)
    if plan.given and answer.acknowledged and plan.opening is not None and plan.opening.path == plan.path:
        client.given = find_session(answer.text, answer.headers, plan.given, plan.path) or client.given
    return answer


def _take_values(client: Client, step: Preliminary, answer: Answer) -> str:
    """Keep what an answer gives to its client; return what is lacking, as the answer would call it."""
    missing = ""
    for name, called in step.gives if answer.acknowledged else ():
        value = find_session(answer.text, answer.headers, called)
        if value is None:
            missing = called
        elif name == "session":
            client.given = value
        else:
            client.values[name] = str(value)
    return missing


def _exchange(
    worker: Worker, plan: Plan, client: Client, marker: str, seconds: float, invoked: Callable[[int], None]
) -> Answer:
    """Send one request and wait until it has ended."""
    said = client.said if plan.resends else ()
    who = name_client(client.account, client.key)
    more = {**client.values, **spell_credentials(who), "asked": client.asked or ""}
    request = render(plan, client.session, message_of(marker, client.wording), said, who.name, more)
    if client.token:
        request = replace(request, headers=(*request.headers, (_AGAINST_FORGERY, client.token)))
    started = time.monotonic()
    heard = http_turns.Heard()
    if plan.kind == "event":
        request = replace(request, args=(request.path, request.body, dict(request.headers), client.stays))
    if plan.is_call:
        status, text, error, tokens = _call(worker, request, client, seconds, invoked)
    elif plan.kind == "websocket":
        given = http_turns.content(request, client.cookies).get("headers", {})
        status, text, error, tokens = _message(worker, request, client, given, seconds, invoked)
    else:

        def connected(sock: socket.socket, token: int) -> None:
            client.line = sock
            invoked(token)

        status, text, error, tokens = http_turns.send(worker, request, client.cookies, seconds, connected, heard)
    if tokens and not error and client.open is None:
        worker.wait(lambda: tokens[-1] in worker.done, seconds)
    answer = Answer(status, text, error, tuple(tokens), time.monotonic() - started, heard.headers, heard.ignored)
    if tokens and tokens[-1] in worker.done:
        worker.wait_for_rest(tokens[-1], seconds if promises_more(status, text) else 0.0)
    if answer.acknowledged and plan.message_field:
        client.said += [("user", message_of(marker, client.wording)), ("assistant", text[:2000])]
    return answer


def _message(
    worker: Worker,
    request: Request,
    client: Client,
    headers: dict[str, str],
    seconds: float,
    invoked: Callable[[int], None],
) -> tuple[int, str, str, list[int]]:
    """Send a message on the connection that the client has left open, else on a new one."""
    line, client.open = client.open, None

    def leave(connection: Connection) -> None:
        client.open = connection

    return converse(worker, request, headers, seconds, invoked, line, leave if client.stays else None)


def _call(
    worker: Worker, request: Request, client: Client, seconds: float, invoked: Callable[[int], None]
) -> tuple[int, str, str, list[int]]:
    token = next(_call_tokens)
    invoked(token)
    try:
        kept = {**client.cookies, "tab": client.tab} if client.tab else client.cookies
        given = {"args": list(request.args), "kwargs": dict(request.keywords), "kept": kept}
        worker.channel.send({"call": token, **given})
    except Closed:
        return 0, "", worker.fate, [token]
    if not worker.wait(lambda: token in worker.done, seconds):
        return 0, "", f"no answer within {seconds:g} s", [token]
    if token not in worker.done:
        return 0, "", worker.fate, [token]
    error = worker.done[token]
    client.cookies = worker.kept.get(token, client.cookies)
    return (500 if error else 200), worker.answers.get(token, ""), error, [token]
