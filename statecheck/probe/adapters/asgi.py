"""Any ASGI app, served by uvicorn, its environment's own or lent, on a socket that the lab bound."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from typing import TYPE_CHECKING, Any

from ..channel import MOST_MESSAGE
from ..recorder import TURN, begin_turn
from ..turns import finish_turn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ..channel import Channel, Message
    from .offer import Loaded, Offer


def adapt(offer: Offer) -> Loaded | None:
    """Take what is an ASGI 3 application: it takes scope, receive and send."""
    if offer.framework == "callable" or not is_asgi(offer.thing):
        return None
    return AsgiTarget(offer.thing, {"framework": "asgi", "object": offer.name, "routes": []})


def is_asgi(thing: Any) -> bool:
    """Whether this can be called with scope, receive and send, and is a coroutine function."""
    function = thing if inspect.isroutine(thing) else getattr(thing, "__call__", None)  # noqa: B004 - bound, to count
    try:
        parameters = [
            parameter
            for parameter in inspect.signature(function).parameters.values()  # type: ignore[arg-type]
            if parameter.default is parameter.empty and parameter.kind in (0, 1)
        ]
    except (TypeError, ValueError):
        return False
    return len(parameters) == 3 and asyncio.iscoroutinefunction(function)


class AsgiTarget:
    """An ASGI app, with what its adapter knows of it.

    Attributes:
        socket_class: whose `receive` an app calls at a WebSocket, where its framework reads ahead of it.
    """

    def __init__(self, app: Any, facts: dict[str, Any], socket_class: Any = None) -> None:
        self.app = app
        self.facts = facts
        self.socket_class = socket_class

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed."""
        server, served = self._make_server(channel)
        try:
            server.run(sockets=[sock] if sock is not None else None)
        except SystemExit as leaving:  # uvicorn's, after the app's own start-up failed
            raise served.start_error or leaving from None
        raise RuntimeError("the app shut itself down")

    async def aserve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed, on the loop that runs."""
        server, served = self._make_server(channel)
        await server.serve(sockets=[sock] if sock is not None else None)
        raise served.start_error or RuntimeError("the app shut itself down")

    def _make_server(self, channel: Channel) -> tuple[Any, _Served]:
        """A server of the app, which tells the lab when it is ready, and the app as it is served."""
        import uvicorn

        # asyncio's own loop: a loop in C would send bytes that no hook sees
        config = uvicorn.Config(self.app, loop="asyncio", log_level="warning", access_log=False, lifespan="auto")
        config.load()
        app = config.loaded_app  # with uvicorn's own middleware, which may replace the client's address

        served = _Served(app, channel, tells=self.socket_class is None)
        if self.socket_class is not None:
            tell_before(self.socket_class, "receive", served.listens)
        facts = _shorten(self.facts)

        class Server(uvicorn.Server):
            """Says when it is ready."""

            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets=sockets)
                if not self.should_exit:
                    channel.send({"ready": facts})

        config.loaded_app = served
        # what a turn raises has been shown by then
        logging.getLogger("uvicorn.error").addFilter(lambda line: "Exception in ASGI application" not in line.msg)
        return Server(config), served

    def call(self, message: Message, channel: Channel) -> None:
        """Nothing can be called: an app is driven by requests."""
        raise NotImplementedError("an ASGI app is driven by requests")


def _shorten(facts: dict[str, Any]) -> dict[str, Any]:
    """What is told of an app; without its OpenAPI document, where that alone would fill the longest message."""
    fits = len(json.dumps(facts.get("openapi"), default=str)) < MOST_MESSAGE // 2
    return facts if fits else {**facts, "openapi": None}


class _Served:
    """The app as the server calls it: every request or connection is a turn.

    Attributes:
        start_error: what the app's own start-up raised.
    """

    def __init__(self, app: Any, channel: Channel, *, tells: bool) -> None:
        self._app = app
        self._channel = channel
        self._tells = tells
        self.start_error: BaseException | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one."""
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            except BaseException as raised:
                self.start_error = raised
                raise
            return
        turn = scope["client"][1] if scope.get("client") else 0
        token = begin_turn(turn)
        error: BaseException | None = None
        heard = _Heard(receive, self.listens if self._tells else _do_nothing)
        try:
            await self._app(scope, heard.receive if scope["type"] == "websocket" else receive, send)
        except BaseException as raised:
            error = None if heard.gone else raised
            raise
        finally:
            finish_turn(self._channel, turn, error)
            TURN.reset(token)

    def listens(self) -> None:
        """Tell the lab that the app asks for a message of its connection."""
        self._channel.send({"listens": TURN.get()})


class _Heard:
    """What an app hears of a WebSocket connection.

    Attributes:
        gone: the app was told that the client has left: what it raises then is its way to end.
    """

    def __init__(self, receive: Any, listens: Callable[[], None]) -> None:
        self._receive = receive
        self._listens = listens
        self._connected = False
        self.gone = False

    async def receive(self) -> Any:
        """The next event; told before, but for the first, with which a connection begins."""
        if self._connected:
            self._listens()
        event = await self._receive()
        self._connected = True
        self.gone = event["type"] == "websocket.disconnect"
        return event


def tell_before(owner: Any, name: str, listens: Callable[[], None]) -> None:
    """Tell before a class's own method takes the next message of a connection."""
    receive = getattr(owner, name)

    async def told(self: Any, *args: Any, **kwargs: Any) -> Any:
        listens()
        return await receive(self, *args, **kwargs)

    setattr(owner, name, told)


def _do_nothing() -> None:
    """The framework reads ahead: that it does says nothing."""
