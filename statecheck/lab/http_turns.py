"""A turn at an HTTP endpoint: one connection for each request, redirects followed, and an answer of a bounded size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statecheck.lab.bounds import CODINGS, Deadline, Unreadable, read_beginning
from statecheck.lab.cookies import cookies_for, keep_cookies

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import httpx

    from statecheck.lab.workers.worker import Worker
    from statecheck.talk.plan import Json
    from statecheck.talk.requests import Request

_MOST_REDIRECTS = 10


@dataclass
class Heard:
    """What came with an answer beside its body.

    Attributes:
        headers: by lower-case names.
        ignored: cookies that the client's browser did not keep, of this answer and of those that redirected to it, each
            with its size: `basket 4698`.
    """

    headers: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def send(
    worker: Worker,
    request: Request,
    cookies: dict[str, str],
    seconds: float,
    connected: Callable[[socket.socket, int], None],
    heard: Heard,
) -> tuple[int, str, str, list[int]]:
    """Send a request and read its answer: (status, text, error, tokens).

    Args:
        cookies: of the client's browser; the answer's are added.
        seconds: until the answer must have ended, redirects included.
        connected: called with each connection that is made, before anything is sent, and the token of the turn there.
        heard: gets what comes with the answer.
    """
    import httpx

    tokens: list[int] = []
    answers = False
    assert worker.listening is not None
    base = f"http://127.0.0.1:{worker.listening.getsockname()[1]}"
    always = {"connection": "close", "accept-encoding": CODINGS}
    transport = httpx.HTTPTransport(verify=False, trust_env=False)
    with (
        Deadline(seconds) as deadline,
        httpx.Client(transport=transport, timeout=seconds, trust_env=False, headers=always) as http,
    ):

        def trace(event: str, info: dict[str, Any]) -> None:
            nonlocal answers
            if event == "connection.connect_tcp.complete":
                sock = info["return_value"].get_extra_info("socket")
                deadline.watch(sock)
                tokens.append(info["return_value"].get_extra_info("client_addr")[1])
                connected(sock, tokens[-1])
            elif event == "http11.receive_response_headers.complete":
                answers = True

        try:
            asked = http.build_request(
                request.method, base + request.path, extensions={"trace": trace}, **content(request, cookies)
            )
            response, body = _follow(http, asked, cookies, base, heard)
            if deadline.passed:  # where nothing says how long a body is, a cut looks like its end
                raise httpx.ReadTimeout("it was cut")
        except Unreadable as error:
            return 0, "", str(error), tokens
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if deadline.passed or isinstance(error, httpx.TimeoutException):
                return 0, "", f"{'no end of its answer' if answers else 'no answer'} within {seconds:g} s", tokens
            gone = worker.fate if worker.wait(lambda: worker.dead, 1) and worker.dead else ""
            return 0, "", gone or f"{type(error).__name__}: {error}", tokens
    heard.headers.update(response.headers)
    if response.url.path != request.path:
        heard.headers["location"] = response.url.path
    return response.status_code, _show(response, body, request.path), "", tokens


def _follow(
    http: httpx.Client, asked: httpx.Request, cookies: dict[str, str], base: str, heard: Heard
) -> tuple[httpx.Response, bytes]:
    """Send a request and follow where it is redirected, as a browser would, but never to another server.

    Raises:
        Unreadable: it is redirected without end, or an answer cannot be read.
    """
    for _ in range(_MOST_REDIRECTS):
        response = http.send(asked, stream=True)
        try:
            numbers = itertools.count()
            pieces = (piece for piece, _ in zip(response.iter_raw(), numbers, strict=False))
            body = read_beginning(pieces, response.headers.get("content-encoding", ""))
            if next(numbers) <= 1:  # Django says no length: a whole answer is no stream for that
                response.headers.setdefault("content-length", str(len(body)))
        finally:
            response.close()
        heard.ignored += keep_cookies(cookies, response)
        following = response.next_request
        if following is None or not str(following.url).startswith(base + "/"):
            return response, body
        following.extensions = asked.extensions
        returned = cookies_for(cookies, following.url.path)
        if returned or "cookie" in asked.headers:
            following.headers["cookie"] = _cookie_header(asked.headers.get("cookie", ""), returned)
        asked = following
    raise Unreadable(f"it redirects without end: {_MOST_REDIRECTS} times, then to `{asked.url.path}`")


def _cookie_header(planned: str, jar: dict[str, str]) -> str:
    """Cookies that a plan sends, with those that the app has set since in their place."""
    pairs = dict(pair.split("=", 1) for pair in planned.split("; ") if "=" in pair)
    return "; ".join(f"{name}={value}" for name, value in {**pairs, **jar}.items())


def content(request: Request, cookies: dict[str, str]) -> dict[str, Any]:
    """Return the request's parts under httpx's names."""
    parts: dict[str, Any] = {}
    if request.query:
        parts["params"] = list(request.query)
    if request.headers:
        parts["headers"] = dict(request.headers)
    jar = {**dict(request.cookies), **cookies_for(cookies, request.path)}
    if jar:
        pairs = "; ".join(f"{name}={value}" for name, value in jar.items())
        parts["headers"] = {**parts.get("headers", {}), "cookie": pairs}
    if request.encoding == "json":
        parts["json"] = request.body
    elif request.encoding == "text":
        parts["content"] = str(request.body)
        parts["headers"] = {"content-type": "text/plain; charset=utf-8", **parts.get("headers", {})}
    elif request.encoding == "form":
        parts["data"] = request.body
    elif request.encoding == "multipart" and isinstance(request.body, dict):
        parts["files"] = {name: _part(value) for name, value in request.body.items()}
    return parts


def _part(value: Json) -> tuple[str | None, str]:
    """A part of a multipart body under httpx's names: a file's name, if it is a file, and its content."""
    return (str(value["filename"]), str(value["content"])) if isinstance(value, dict) else (None, str(value))


def _show(response: httpx.Response, body: bytes, path: str) -> str:
    """The answer's beginning; where it came from another path, or leads to another server, that too."""
    text = body.decode("utf-8", "replace")
    elsewhere = response.headers.get("location", "") if response.has_redirect_location else ""
    if elsewhere:
        return f"(redirects to `{elsewhere}`) {text}"
    return f"(redirected to `{response.url.path}`) {text}" if response.url.path != path else text
