"""Tornado apps, served by Tornado's own server on a socket that the lab bound; their routes from the rules."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from typing import TYPE_CHECKING, Any

from ..recorder import TURN, begin_turn
from ..turns import finish_turn, note
from .asgi import tell_before
from .offer import route
from .web import VERBS

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from ..channel import Channel, Message
    from .offer import Loaded, Offer

_GROUP = re.compile(r"\((?:\?P<\w+>)?((?!\?)[^()]*)\)")
_SERVER_ERROR = 500


def adapt(offer: Offer) -> Loaded | None:
    """Take an app of Tornado's."""
    if not offer.made_by("tornado.web", "Application"):
        return None
    facts = {"framework": "tornado", "object": offer.name, "routes": list(_routes(offer.thing.default_router))}
    return TornadoTarget(offer.thing, facts)


class TornadoTarget:
    """An app of Tornado's, with what is known of it."""

    def __init__(self, app: Any, facts: dict[str, Any]) -> None:
        self._app = app
        self.facts = facts

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed, on the loop that the app's own code may have found already."""
        from tornado.ioloop import IOLoop

        loop: Any = IOLoop.current()
        loop.asyncio_loop.run_until_complete(self.aserve(sock, channel))

    async def aserve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed, on the loop that runs."""
        from tornado import web, websocket
        from tornado.httpserver import HTTPServer

        _watch(web.RequestHandler, channel)
        tell_before(websocket.WebSocketProtocol13, "_receive_frame", lambda: channel.send({"listens": TURN.get()}))
        assert sock is not None
        sock.setblocking(False)
        HTTPServer(self._app).add_sockets([sock])
        channel.send({"ready": self.facts})
        await asyncio.get_running_loop().create_future()

    def call(self, message: Message, channel: Channel) -> None:
        """Nothing can be called: an app is driven by requests."""
        raise NotImplementedError("a web app is driven by requests")


def _watch(handler: Any, channel: Channel) -> None:
    """Make a turn of each request, and note what a handler raises: Tornado logs it and answers 500."""
    execute, fail = handler._execute, handler.log_exception  # noqa: SLF001 - where a request begins and ends

    async def executed(self: Any, *args: Any, **kwargs: Any) -> None:
        turn = self.request.connection.context.address[1]
        begin_turn(turn)  # each request has a task of its own
        try:
            await execute(self, *args, **kwargs)
        finally:
            finish_turn(channel, turn, None)

    def failed(self: Any, kind: Any, raised: Any, traceback: Any) -> None:
        if getattr(raised, "status_code", _SERVER_ERROR) >= _SERVER_ERROR:
            note(raised)
        fail(self, kind, raised, traceback)

    handler._execute, handler.log_exception = executed, failed  # noqa: SLF001 - as above
    logging.getLogger("tornado.application").addFilter(lambda line: not str(line.msg).startswith("Uncaught exception"))


def _routes(router: Any) -> Iterator[dict[str, Any]]:
    """Every endpoint, those of routers within this one too; Tornado's own handlers (static files) are none."""
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from _routes(rule.target)
        elif isinstance(rule.target, type) and not rule.target.__module__.startswith("tornado."):
            yield from _methods(rule.target, rule.matcher)


def _methods(handler: Any, matcher: Any) -> Iterator[dict[str, Any]]:
    """A handler's methods, each of a verb; of a connection's, what takes its messages."""
    if hasattr(handler, "on_message"):
        yield route(_path(matcher, handler.open), ["WEBSOCKET"], handler.__name__, handler.on_message)
        return
    for verb in VERBS:
        method = getattr(handler, verb.lower())
        if method.__name__ != "_unimplemented_method":
            yield route(_path(matcher, method), [verb], handler.__name__, method)


def _path(matcher: Any, function: Any) -> str:
    """A rule's path, each of its groups with a name: its own, or that of the parameter that gets it."""
    regex, text = getattr(matcher, "regex", None), getattr(matcher, "_path", None)
    if regex is None or text is None:
        return getattr(regex, "pattern", "/")
    own = {number: name for name, number in regex.groupindex.items()}
    names = list(inspect.signature(function).parameters)[1:]
    forms = _GROUP.findall(regex.pattern)
    parameters = []
    for number in range(regex.groups):
        name = own.get(number + 1) or (names[number] if number < len(names) else f"part{number + 1}")
        parameters.append(f"(?P<{name}>{forms[number]})" if len(forms) == regex.groups else f"<{name}>")
    return str(text % tuple(parameters))
