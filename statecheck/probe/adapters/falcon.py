"""Falcon apps, of WSGI or ASGI: their resources, of which a method serves each verb."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .offer import find_in, route
from .web import VERBS, serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .offer import Loaded, Offer

_CONVERTED = re.compile(r"\{(\w+):[^}]*\}")


def adapt(offer: Offer) -> Loaded | None:
    """Take an instance of one of Falcon's app classes, and what wraps one."""
    for module in ("falcon", "falcon.asgi"):
        app = find_in(offer.thing, module, "App") if offer.framework != "callable" else None
        if app is not None:
            return serve(offer, {"framework": "falcon", "routes": list(_routes(app))})
    return None


def _routes(app: Any) -> Iterator[dict[str, Any]]:
    """A resource has a method for each verb; what Falcon itself answers with is none of the user's."""
    for node in _walk_nodes(app._router._roots):  # noqa: SLF001 - what inspects routes publicly does not give the methods
        for verb in VERBS if node.resource is not None else ():
            method = node.method_map.get(verb)
            if getattr(method, "__self__", None) is node.resource:
                yield route(_CONVERTED.sub(r"{\1}", node.uri_template), [verb], type(node.resource).__name__, method)


def _walk_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from _walk_nodes(node.children)
