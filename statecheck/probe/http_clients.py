"""Requests to model APIs and chat platforms: answered in this process, whichever HTTP client sends them.

A raw SDK, LiteLLM, a request by hand: all end at one of these clients. In this process the turn, the user's frame and
the barrier are at hand as for any model call. A server on loopback that answers (the app's own, or one that was
handed over) answers for itself.
"""

from __future__ import annotations

import functools
import inspect
import io
import json
from email.message import Message
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from . import apis
from .addresses import is_loopback
from .model_calls import Call, abegin_call, begin_call
from .offline import is_offline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from .apis import Exchange, Reply

_OK = 200


def _exchange(method: str, path: str, body: Any) -> Exchange | None:
    """What a request asks of a model API; None for any other, and where its body is a stream or a form."""
    sent = body.encode() if isinstance(body, str) else body or b""
    return apis.exchange(method.upper(), path, bytes(sent)) if isinstance(sent, (bytes, bytearray)) else None


def _call(host: str, found: Exchange) -> Call | None:
    asked = found.asked
    if asked is None:
        return None
    return Call(asked.api, host, asked.messages, [tool.name for tool in asked.tools])


def _answer(host: str, found: Exchange, send: Callable[[], Any], build: Callable[[Reply], Any]) -> Any:
    """What the server answers where it is on loopback and can be reached, else what the echo model answers."""
    with begin_call(_call(host, found)):
        if is_loopback(host):
            try:
                return send()
            except Exception as error:
                if not is_offline(error):
                    raise
        return build(found.answer())


async def _aanswer(
    host: str, found: Exchange, send: Callable[[], Awaitable[Any]], build: Callable[[Reply], Any]
) -> Any:
    async with abegin_call(_call(host, found)):
        if is_loopback(host):
            try:
                return await send()
            except Exception as error:
                if not is_offline(error):
                    raise
        return build(found.answer())


def _patch_httpx(module: ModuleType) -> None:
    """Patch httpx and httpx2, by their transports."""
    package = import_module(module.__name__.partition(".")[0])

    def build(reply: Reply) -> Any:
        stream = package.ByteStream(reply.body)
        return package.Response(_OK, headers={"content-type": reply.kind}, stream=stream)

    sync, asynchronous = module.HTTPTransport.handle_request, module.AsyncHTTPTransport.handle_async_request

    @functools.wraps(sync)
    def handle_request(self: Any, request: Any) -> Any:
        path = request.url.raw_path.decode()  # with its query
        if not apis.may_be(request.method, path):
            return sync(self, request)
        found = _exchange(request.method, path, request.read())
        if found is None:
            return sync(self, request)
        return _answer(request.url.host, found, lambda: sync(self, request), build)

    @functools.wraps(asynchronous)
    async def handle_async_request(self: Any, request: Any) -> Any:
        path = request.url.raw_path.decode()  # with its query
        if not apis.may_be(request.method, path):
            return await asynchronous(self, request)
        found = _exchange(request.method, path, await request.aread())
        if found is None:
            return await asynchronous(self, request)
        return await _aanswer(request.url.host, found, lambda: asynchronous(self, request), build)

    module.HTTPTransport.handle_request = handle_request
    module.AsyncHTTPTransport.handle_async_request = handle_async_request


def _patch_urllib3(module: ModuleType) -> None:
    """Patch urllib3, and with it requests and botocore."""
    pool = module.HTTPConnectionPool
    original = pool.urlopen

    @functools.wraps(original)
    def urlopen(self: Any, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> Any:
        def send() -> Any:
            return original(self, method, url, body, *args, **kwargs)

        def build(reply: Reply) -> Any:
            return import_module("urllib3.response").HTTPResponse(
                io.BytesIO(reply.body),
                headers={"content-type": reply.kind},
                status=_OK,
                reason="OK",
                preload_content=kwargs.get("preload_content", True),
                request_method=method,
            )

        parts = urlsplit(url)
        path = parts.path + "?" + parts.query
        found = _exchange(method, path, body) if apis.may_be(method, path) else None
        return send() if found is None else _answer(self.host, found, send, build)

    pool.urlopen = urlopen


def _patch_urllib(module: ModuleType) -> None:
    """Patch the standard library's `urlopen`."""
    handler = module.AbstractHTTPHandler
    original = handler.do_open

    @functools.wraps(original)
    def do_open(self: Any, http_class: Any, req: Any, **kwargs: Any) -> Any:
        def send() -> Any:
            return original(self, http_class, req, **kwargs)

        def build(reply: Reply) -> Any:
            headers = Message()
            headers["content-type"] = reply.kind
            response = module.addinfourl(io.BytesIO(reply.body), headers, req.full_url, _OK)
            response.msg = "OK"
            return response

        parts = urlsplit(req.full_url)
        path = parts.path + "?" + parts.query
        found = _exchange(req.get_method(), path, req.data) if apis.may_be(req.get_method(), path) else None
        return send() if found is None else _answer(parts.hostname or "", found, send, build)

    handler.do_open = do_open


def _patch_aiohttp(module: ModuleType) -> None:
    """Patch the client of aiohttp, by its session."""
    session = module.ClientSession
    original = session._request  # noqa: SLF001 - the one door through which all its methods go

    @functools.wraps(original)
    async def _request(self: Any, method: str, str_or_url: Any, **kwargs: Any) -> Any:
        async def send() -> Any:
            return await original(self, method, str_or_url, **kwargs)

        url = self._build_url(str_or_url)
        if not apis.may_be(method.upper(), url.path):
            return await send()
        given = kwargs.get("json")
        found = _exchange(method, url.raw_path_qs, _form(kwargs.get("data")) if given is None else json.dumps(given))
        if found is None:
            return await send()
        return await _aanswer(url.host or "", found, send, lambda reply: _aiohttp_response(self, method, url, reply))

    session._request = _request  # noqa: SLF001 - as above


def _form(data: Any) -> Any:
    """Return the fields of a form as they travel in a query; aiohttp has its own kind of form."""
    fields = [(part["name"], value) for part, _, value in getattr(data, "_fields", ())]
    pairs = dict(data) if isinstance(data, dict) else dict(fields)
    return urlencode({name: value for name, value in pairs.items() if isinstance(value, (str, int))}) if pairs else data


def _aiohttp_response(session: Any, method: str, url: Any, reply: Reply) -> Any:
    """Build an answer as aiohttp's own parser does; what its constructor takes differs from version to version."""
    aiohttp, multidict = import_module("aiohttp"), import_module("multidict")
    loop = import_module("asyncio").get_running_loop()
    headers = multidict.CIMultiDictProxy(multidict.CIMultiDict({"Content-Type": reply.kind}))
    none = multidict.CIMultiDictProxy(multidict.CIMultiDict())
    given = {
        "writer": None,
        "continue100": None,
        "timer": None,
        "request_info": aiohttp.RequestInfo(url, method, none, url),
        "traces": [],
        "loop": loop,
        "session": session,
        "stream_writer": SimpleNamespace(output_size=0),
    }
    taken = inspect.signature(aiohttp.ClientResponse.__init__).parameters
    response = aiohttp.ClientResponse(method, url, **{name: value for name, value in given.items() if name in taken})
    response.status, response.reason = _OK, "OK"
    response._headers, response._raw_headers = headers, ((b"Content-Type", reply.kind.encode()),)  # noqa: SLF001 - as above
    response._closed = False  # noqa: SLF001
    protocol = import_module("aiohttp.base_protocol").BaseProtocol(loop)
    response.content = aiohttp.StreamReader(protocol, 2**16, loop=loop)
    response.content.feed_data(reply.body)
    response.content.feed_eof()
    return response


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "httpx._transports.default": _patch_httpx,
    "httpx2._transports.default": _patch_httpx,
    "urllib3.connectionpool": _patch_urllib3,
    "urllib.request": _patch_urllib,
    "aiohttp.client": _patch_aiohttp,
}
"""What to run after each of these modules has been executed."""
