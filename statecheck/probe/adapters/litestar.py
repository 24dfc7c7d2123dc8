"""Litestar apps: their routes, and what they say of their requests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .offer import find_in, function_name, route
from .web import VERBS, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .offer import Loaded, Offer


def adapt(offer: Offer) -> Loaded | None:
    """Take an instance of Litestar's app class, and what wraps one."""
    app = find_in(offer.thing, "litestar", "Litestar") if offer.framework != "callable" else None
    if app is None:
        return None
    return serve(offer, {"framework": "litestar", "routes": list(_routes(app)), "openapi": _openapi(app)})


def _routes(app: Any) -> Iterator[dict[str, Any]]:
    for each in app.routes:
        if f"{each.path}/".startswith("/schema/"):  # its own documentation
            continue
        for handler in getattr(each, "route_handlers", ()):
            methods = [verb for verb in VERBS if verb in handler.http_methods]
            if methods:
                yield route(each.path_format, methods, function_name(handler.fn), handler.fn)


def _openapi(app: Any) -> dict[str, Any] | None:
    try:
        schema: dict[str, Any] | None = app.openapi_schema.to_schema() if hasattr(app, "openapi_schema") else None
    except Exception as error:  # noqa: BLE001 - models that have no schema: the handler's source must do
        logging.getLogger("statecheck").warning("no OpenAPI document: %s", error)
        return None
    return schema
