"""Flask-SocketIO: its events, sent by its own test client; the app's pages are served as any WSGI app is.

A connection is made for each turn, as a client's that comes again, and has an id of its own (`request.sid`) each time;
one that is to stay is kept for the next turn of the same tab in this process.
"""

from __future__ import annotations

import inspect
import uuid
from typing import TYPE_CHECKING, Any

from .flask import facts_of
from .offer import find_in, route
from .shapes import spell_answer
from .site import PageTarget
from .wsgi import WsgiTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..channel import Channel, Message
    from .offer import Loaded, Offer

_NO_MESSAGES = ("connect", "disconnect", "error", "*")
_TAB = "flask-socketio"
"""Under which a client keeps which connection is its own, where that stays."""
_UNHEARD = "events of Flask-SocketIO with a message queue, which its test client cannot deliver"


def adapt(offer: Offer) -> Loaded | None:
    """Take a Flask app that has events, and what wraps one."""
    if offer.framework == "callable":
        return None
    app = find_in(offer.thing, "flask", "Flask")
    extension = app.extensions.get("socketio") if app is not None else None
    if extension is None or extension.server is None:
        return None
    facts = {**facts_of(app, "flask"), "framework": "flask-socketio", "object": offer.name}
    if extension.server_options.get("client_manager") is not None:
        return WsgiTarget(offer, {**facts, "undriven": _UNHEARD})
    return SocketIOTarget(offer, app, extension, facts)


class SocketIOTarget(WsgiTarget):
    """A Flask app that takes events beside its requests."""

    def __init__(self, offer: Offer, app: Any, extension: Any, facts: dict[str, Any]) -> None:
        self._app = app
        self._extension = extension
        self._events = {f"{space.rstrip('/')}/{name}": (space, name, f) for space, name, f in _list_events(extension)}
        routes = [route(path, ["EVENT"], name, function) for path, (_, name, function) in self._events.items()]
        super().__init__(offer, {**facts, "routes": [*facts["routes"], *routes]})
        self._calls = PageTarget(self.turn, facts)
        self._tabs: dict[str, Any] = {}

    def call(self, message: Message, channel: Channel) -> None:
        """Take a turn that is an event."""
        self._calls.call(message, channel)

    def turn(self, path: str, data: Any, headers: dict[str, str], stays: bool, kept: dict[str, str]) -> str:
        """Send an event; what its handler sends back, and what it returns.

        Args:
            path: the namespace and the event's name.
            data: its argument, or all of them by the names of the handler's parameters where there are several.
            headers: of the request that connects.
            stays: the connection is left open.
            kept: what the client keeps: which connection is its own.
        """
        space, name, function = self._events[path]
        tab = kept.setdefault(_TAB, uuid.uuid4().hex) if stays else ""
        client = self._tabs.get(tab) or self._extension.test_client(self._app, namespace=space, headers=headers)
        if not client.is_connected(space):
            raise ConnectionError("the app refused the connection")
        if tab:
            self._tabs[tab] = client
        names = _parameters(function)
        given = [data] if len(names) == 1 else [data.get(each) for each in names]
        acknowledged = client.emit(name, *given, namespace=space, callback=True)
        said = [each["args"] for each in client.get_received(space)] if client.is_connected(space) else []
        if not tab and client.is_connected(space):
            client.disconnect(space)
        return "\n".join(spell_answer(each) for each in (*said, acknowledged) if each not in (None, []))


def _list_events(extension: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the events that an app takes: the namespace, the name, and the function that handles it."""
    for space, events in extension.server.handlers.items():
        yield from ((space, name, function) for name, function in events.items() if name not in _NO_MESSAGES)
    for space, owner in extension.server.namespace_handlers.items():
        names = (each.removeprefix("on_") for each in dir(owner) if each.startswith("on_"))
        yield from ((space, name, getattr(owner, f"on_{name}")) for name in names if name not in _NO_MESSAGES)


def _parameters(function: Any) -> list[str]:
    return list(inspect.signature(inspect.unwrap(function)).parameters)
