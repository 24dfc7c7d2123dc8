"""Sanic apps, served by Sanic's own server as one process; their routes from the router."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from ..recorder import TURN, begin_turn
from ..turns import finish_turn, note
from .asgi import AsgiTarget, tell_before
from .offer import find_in, route

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from ..channel import Channel
    from .offer import Loaded, Offer

_VERBS = ("GET", "POST", "PUT", "PATCH")
_PARAMETER = re.compile(r"<(\w+)(?::([^>]*))?>")
_SERVER_ERROR = 500


def adapt(offer: Offer) -> Loaded | None:
    """Take a Sanic app, and what wraps one."""
    app = find_in(offer.thing, "sanic", "Sanic") if offer.framework != "callable" else None
    if app is None:
        return None
    _watch(app.error_handler)
    facts = {"framework": "sanic", "object": offer.name, "routes": list(_routes(app))}
    return SanicTarget(app, facts) if app is offer.thing else AsgiTarget(offer.thing, facts)


class SanicTarget(AsgiTarget):
    """A Sanic app that nothing wraps."""

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed."""
        from sanic.server.websockets.impl import WebsocketImplProtocol

        def starting(app: Any, *_: Any) -> None:
            """Sanic compiles its classes anew at start-up: what is replaced before is lost."""
            _watch_connections(app.state.server_info[0].settings["protocol"], channel)

        self.app.before_server_start(starting)
        tell_before(WebsocketImplProtocol, "recv", lambda: channel.send({"listens": TURN.get()}))
        self.app.after_server_start(lambda *_: channel.send({"ready": self.facts}))
        self.app.config.USE_UVLOOP = False  # a loop in C would send bytes that no hook sees
        self.app.prepare(sock=sock, single_process=True, motd=False, access_log=False)
        type(self.app).serve_single(primary=self.app)
        raise RuntimeError("the app shut itself down")


def _watch_connections(protocol: Any, channel: Channel) -> None:
    """Make a turn of each connection: it has one request, or is a WebSocket."""
    serve = protocol.connection_task

    async def served(self: Any) -> None:
        turn = self.transport.get_extra_info("peername")[1]
        begin_turn(turn)  # the task has a context of its own
        try:
            await serve(self)
        finally:
            finish_turn(channel, turn, None)

    protocol.connection_task = served


def _routes(app: Any) -> Iterator[dict[str, Any]]:
    """Every endpoint, those of blueprints too; static files are none."""
    for each in app.router.routes_all.values():
        if getattr(each.extra, "static", False):
            continue
        path = _PARAMETER.sub(_usual, f"/{each.path.lstrip('/')}")
        of_socket = getattr(each.extra, "websocket", False)
        methods = ["WEBSOCKET"] if of_socket else [verb for verb in _VERBS if verb in each.methods]
        given = getattr(each.handler, "args", ())  # a connection's handler is given to Sanic's own
        handler = given[0] if of_socket and given else each.handler
        of_class = getattr(handler, "view_class", None)
        if of_class is None:
            yield route(path, methods, each.name, handler)
            continue
        for verb in methods:
            yield route(path, [verb], of_class.__name__, getattr(of_class, verb.lower()))


def _usual(parameter: re.Match[str]) -> str:
    """`<name:int>` is written `<int:name>` everywhere else."""
    return f"<{parameter[2]}:{parameter[1]}>" if parameter[2] in ("int", "uuid") else f"<{parameter[1]}>"


def _watch(handler: Any) -> None:
    """Note what a handler raises: Sanic logs it and answers 500."""
    answer = handler.default

    def noted(request: Any, exception: BaseException) -> Any:
        if getattr(exception, "status_code", _SERVER_ERROR) >= _SERVER_ERROR:
            note(exception)
        return answer(request, exception)

    handler.default = noted
    logging.getLogger("sanic.error").addFilter(lambda line: not str(line.msg).startswith("Exception occurred while"))
