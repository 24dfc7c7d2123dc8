"""Any WSGI app, served by waitress, its environment's own or lent, in threads, on a socket that the lab bound."""

from __future__ import annotations

import inspect
import logging
import socket
from typing import TYPE_CHECKING, Any

from ..recorder import TURN
from ..turns import finish_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..channel import Channel, Message
    from .offer import Loaded, Offer

_THREADS = 8  # where its deployment does not say how many


def adapt(offer: Offer) -> Loaded | None:
    """Take what its source calls a WSGI app, or what can only be called with environ and start_response."""
    if offer.framework == "wsgi" or (offer.framework == "" and is_wsgi(offer.thing)):
        return WsgiTarget(offer, {"framework": "wsgi", "object": offer.name, "routes": []})
    return None


def is_wsgi(thing: Any) -> bool:
    """Whether its parameters are named as in WSGI's own specification."""
    function = thing if inspect.isroutine(thing) else getattr(thing, "__call__", None)  # noqa: B004 - bound, to count
    try:
        names = list(inspect.signature(function).parameters)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return names[:1] in (["environ"], ["env"]) and names[1:2] == ["start_response"]


class WsgiTarget:
    """A WSGI app, with what its adapter knows of it."""

    def __init__(self, offer: Offer, facts: dict[str, Any]) -> None:
        self.app = offer.thing
        self.facts = facts
        self.threads = offer.threads or _THREADS

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve on this socket until killed."""
        from waitress.server import create_server

        app = self.app

        def served(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            turn = int(environ.get("REMOTE_PORT") or 0)  # before a middleware of the app's replaces it
            TURN.set(turn)
            try:
                return _Answer(app(environ, start_response), channel, turn)
            except BaseException as error:
                finish_turn(channel, turn, error)
                raise

        logging.getLogger("waitress").setLevel(logging.CRITICAL)  # a turn's exception is shown at its end
        assert sock is not None
        listening = socket.socket(fileno=sock.detach())  # of the class that is watched now, which waitress asks for
        server = create_server(served, sockets=[listening], threads=self.threads, clear_untrusted_proxy_headers=False)
        channel.send({"ready": self.facts})
        server.run()
        raise RuntimeError("the app shut its server down")

    def call(self, message: Message, channel: Channel) -> None:
        """Nothing can be called: an app is driven by requests."""
        raise NotImplementedError("a WSGI app is driven by requests")


class _Answer:
    """What an app returned: the turn ends when its server has read it to the end and closes it."""

    def __init__(self, body: Iterable[bytes], channel: Channel, turn: int) -> None:
        self._body = body
        self._channel = channel
        self._turn = turn
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except BaseException as error:
            self._error = error
            raise

    def close(self) -> None:
        """Close the app's own iterable, which may work on, and say that its call has returned."""
        try:
            getattr(self._body, "close", lambda: None)()
        except BaseException as error:
            self._error = error
            raise
        finally:
            finish_turn(self._channel, self._turn, self._error)
            TURN.set(0)
