"""FastAPI and Starlette apps: ASGI apps that tell their routes and, FastAPI, describe their requests."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from ..caches import SESSION, observe_tree
from .asgi import AsgiTarget, is_asgi
from .offer import route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .offer import Offer


def adapt(offer: Offer) -> AsgiTarget | None:
    """Take what has Starlette's routes."""
    if offer.framework == "callable" or not hasattr(offer.thing, "routes") or not is_asgi(offer.thing):
        return None
    return AsgiTarget(offer.thing, _facts(offer))


def _facts(offer: Offer) -> dict[str, Any]:
    openapi = None
    if hasattr(offer.thing, "openapi"):
        try:
            openapi = offer.thing.openapi()
        except Exception as error:  # noqa: BLE001 - models that have no schema: the handler's source must do
            logging.getLogger("statecheck").warning("no OpenAPI document: %s", error)
    framework = type(offer.thing).__module__.split(".")[0]
    return {
        "framework": framework if framework in ("fastapi", "starlette") else "asgi",
        "object": offer.name,
        "routes": list(_routes(offer.thing, "")),
        "openapi": openapi,
    }


def _routes(app: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Every endpoint with its whole path, those of routers and mounted apps too."""
    for each in _flat(getattr(app, "routes", None) or ()):
        path = prefix + str(getattr(each, "path", None) or "")
        endpoint = getattr(each, "endpoint", None)
        if endpoint is None:
            inner = getattr(getattr(each, "original_route", each), "app", None)
            if getattr(inner, "routes", None):
                yield from _routes(inner, path)
        elif isinstance(endpoint, type) and hasattr(endpoint, "on_receive"):  # Starlette's WebSocketEndpoint
            yield route(path, ["WEBSOCKET"], endpoint.__name__, endpoint.on_receive)
        elif isinstance(endpoint, type):  # Starlette's HTTPEndpoint: a method a verb
            for verb in ("get", "post", "put", "patch"):
                if hasattr(endpoint, verb):
                    yield route(path, [verb.upper()], endpoint.__name__, getattr(endpoint, verb))
        else:
            name = str(getattr(endpoint, "__name__", type(endpoint).__name__))
            of_socket = "WebSocketRoute" in type(getattr(each, "original_route", each)).__name__
            methods = ["WEBSOCKET"] if of_socket else sorted(getattr(each, "methods", None) or ())
            yield route(path, methods, name, endpoint)


def _flat(routes: Any) -> Any:
    """FastAPI keeps an included router's routes behind one route of its own; it knows how to list them."""
    listing = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    return listing(routes) if listing is not None else routes


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "starlette.middleware.sessions": observe_tree("Session", SESSION),
}
