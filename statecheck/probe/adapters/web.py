"""Web apps of frameworks that are served as any WSGI or ASGI app is: what their adapters have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asgi import AsgiTarget, is_asgi
from .wsgi import WsgiTarget

if TYPE_CHECKING:
    from .offer import Loaded, Offer

VERBS = ("GET", "POST", "PUT", "PATCH")


def serve(offer: Offer, facts: dict[str, Any], socket_class: Any = None) -> Loaded:
    """Return what serves an app by the protocol that it, or what wraps it, speaks.

    Args:
        offer: the app.
        facts: what its adapter knows of it (`framework`, `routes`, ...); its name is added.
        socket_class: as `AsgiTarget` takes it.
    """
    facts = {**facts, "object": offer.name}
    return AsgiTarget(offer.thing, facts, socket_class) if is_asgi(offer.thing) else WsgiTarget(offer, facts)
