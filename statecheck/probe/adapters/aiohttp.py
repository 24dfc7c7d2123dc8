"""aiohttp web apps, served by aiohttp's own server on a socket that the lab bound; their routes from the router."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import weakref
from typing import TYPE_CHECKING, Any

from ..framework_state import KEEPERS, Keeper
from ..recorder import RECORDER, TURN, begin_turn
from ..turns import finish_turn, note
from .asgi import tell_before
from .offer import function_name, route
from .web import VERBS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ..channel import Channel, Message
    from ..framework_state import Line
    from .offer import Loaded, Offer

_NO_CODE = (lambda: None).__code__
_PATTERN = re.compile(r"\{(\w+):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


def adapt(offer: Offer) -> Loaded | None:
    """Take an app, what will make one when it is awaited, or the runner of an app that a program has set up."""
    if offer.framework == "aiohttp" and inspect.iscoroutine(offer.thing):
        return AiohttpTarget(offer, offer.thing)
    if offer.made_by("aiohttp.web_app", "Application") or offer.made_by("aiohttp.web_runner", "AppRunner"):
        return AiohttpTarget(offer, offer.thing)
    return None


class AiohttpTarget:
    """An app of aiohttp's.

    Attributes:
        facts: what is known of it; its routes are when it is served.
    """

    def __init__(self, offer: Offer, thing: Any) -> None:
        self._thing = thing
        self.facts: dict[str, Any] = {"framework": "aiohttp", "object": offer.name, "routes": []}

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed."""
        asyncio.run(self.aserve(sock, channel))

    async def aserve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed, on the loop that runs."""
        from aiohttp import web, web_protocol

        _watch(web_protocol.RequestHandler, channel)
        tell_before(web.WebSocketResponse, "receive", lambda: channel.send({"listens": TURN.get()}))
        thing = await self._thing if inspect.iscoroutine(self._thing) else self._thing
        runner = thing if isinstance(thing, web.AppRunner) else web.AppRunner(thing, access_log=None)
        if runner.server is None:
            await runner.setup()
        self.facts["routes"] = list(_routes(runner.app))
        assert sock is not None
        await web.SockSite(runner, sock).start()
        channel.send({"ready": self.facts})
        await asyncio.get_running_loop().create_future()

    def call(self, message: Message, channel: Channel) -> None:
        """Nothing can be called: an app is driven by requests."""
        raise NotImplementedError("a web app is driven by requests")


def _watch(protocol: Any, channel: Channel) -> None:
    """Make a turn of each request, and note what a handler raises: aiohttp logs it and answers 500."""
    handle, fail = protocol._handle_request, protocol.handle_error  # noqa: SLF001 - where a request begins and ends

    async def handled(self: Any, *args: Any, **kwargs: Any) -> Any:
        turn = self.transport.get_extra_info("peername")[1]
        begin_turn(turn)  # the connection has a task of its own
        try:
            return await handle(self, *args, **kwargs)
        finally:
            finish_turn(channel, turn, None)

    def failed(
        self: Any, request: Any, status: int = 500, exc: BaseException | None = None, message: Any = None
    ) -> Any:
        note(exc)
        return fail(self, request, status, exc, message)

    protocol._handle_request, protocol.handle_error = handled, failed  # noqa: SLF001 - as above
    logging.getLogger("aiohttp.server").addFilter(lambda line: "Error handling request" not in str(line.msg))


def _routes(app: Any) -> Iterator[dict[str, Any]]:
    """Every endpoint, those of apps within this one and of class-based views too; static files are none."""
    for each in app.router.routes():
        path = _PATTERN.sub(r"{\1}", each.resource.canonical if each.resource is not None else "")
        if not hasattr(each.resource, "get_info") or "directory" in each.resource.get_info():
            continue
        handler = each.handler
        if isinstance(handler, type):
            for verb in VERBS:
                if hasattr(handler, verb.lower()):
                    yield route(path, [verb], handler.__name__, getattr(handler, verb.lower()))
            continue
        methods = list(VERBS) if each.method == "*" else [each.method]
        hears = "WebSocketResponse" in getattr(inspect.unwrap(handler), "__code__", _NO_CODE).co_names
        yield route(path, ["WEBSOCKET"] if hears else methods, each.name or function_name(handler), handler)


_made: weakref.WeakKeyDictionary[Any, dict[Any, Line]] = weakref.WeakKeyDictionary()


def _watch_items(module: ModuleType) -> None:
    """Note the user's line that keeps something in an app (`app["rooms"] = {}`), which no module's name may reach."""
    keep = module.Application.__setitem__

    def kept(self: Any, key: Any, value: Any) -> None:
        frames = RECORDER.frames(1)
        if frames:
            _made.setdefault(self, {}).setdefault(key, frames[0][:2])
        keep(self, key, value)

    module.Application.__setitem__ = kept


def _items() -> Iterator[Keeper]:
    for app, lines in list(_made.items()):
        for key, line in lines.items():
            if key in app:
                yield Keeper(app[key], f"app[{_spell(key)}]", line, named=False)


def _spell(key: Any) -> str:
    """A text as it is written; of an `AppKey(module.name, type=…)` its name."""
    return repr(key) if isinstance(key, str) else str(key).partition("(")[2].partition(",")[0].rpartition(".")[2]


KEEPERS.append(_items)
HOOKS: dict[str, Callable[[ModuleType], None]] = {"aiohttp.web_app": _watch_items}
