"""Sanic apps, served as ASGI: their routes from the router; their listeners run when the server starts."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from ..turns import note
from .asgi import AsgiTarget
from .offer import found_in, route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .offer import Loaded, Offer

_VERBS = ("GET", "POST", "PUT", "PATCH")
_PARAMETER = re.compile(r"<(\w+)(?::([^>]*))?>")
_SERVER_ERROR = 500


def adapt(offer: Offer) -> Loaded | None:
    """Take a Sanic app, and what wraps one."""
    app = found_in(offer.thing, "sanic", "Sanic") if offer.framework != "callable" else None
    if app is None:
        return None
    _watch(app.error_handler)
    return AsgiTarget(offer.thing, {"framework": "sanic", "object": offer.name, "routes": list(_routes(app))})


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
