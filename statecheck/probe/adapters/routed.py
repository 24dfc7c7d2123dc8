"""Bottle, Falcon and Litestar apps: their routes; served as any WSGI or ASGI app is."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from .asgi import AsgiTarget, is_asgi
from .offer import found_in, route
from .wsgi import WsgiTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .offer import Loaded, Offer

_VERBS = ("GET", "POST", "PUT", "PATCH")
_FILTERED = re.compile(r"<(\w+):(\w+)[^>]*>")
_CONVERTED = re.compile(r"\{(\w+):[^}]*\}")
Route = dict[str, Any]


def adapt(offer: Offer) -> Loaded | None:
    """Take an instance of one of their app classes, and what wraps one."""
    if offer.framework == "callable":
        return None
    for framework, module, name, told in _KNOWN:
        app = found_in(offer.thing, module, name)
        if app is not None:
            facts = {"framework": framework, "object": offer.name, "routes": list(told(app)), "openapi": _openapi(app)}
            return AsgiTarget(offer.thing, facts) if is_asgi(offer.thing) else WsgiTarget(offer, facts)
    return None


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _of_bottle(app: Any) -> Iterator[Route]:
    for each in app.routes:
        path = _FILTERED.sub(_usual, each.rule)
        yield route(path, [each.method], _name(each.callback), each.callback)


def _of_falcon(app: Any) -> Iterator[Route]:
    """A resource has a method for each verb; what Falcon itself answers with is none of the user's."""
    for node in _below(app._router._roots):  # noqa: SLF001 - what inspects routes publicly does not give the methods
        for verb in _VERBS if node.resource is not None else ():
            method = node.method_map.get(verb)
            if getattr(method, "__self__", None) is node.resource:
                yield route(_CONVERTED.sub(r"{\1}", node.uri_template), [verb], type(node.resource).__name__, method)


def _below(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from _below(node.children)


def _of_litestar(app: Any) -> Iterator[Route]:
    for each in app.routes:
        if f"{each.path}/".startswith("/schema/"):  # its own documentation
            continue
        for handler in getattr(each, "route_handlers", ()):
            methods = [verb for verb in _VERBS if verb in handler.http_methods]
            if methods:
                yield route(each.path_format, methods, _name(handler.fn), handler.fn)


def _usual(parameter: re.Match[str]) -> str:
    """`<name:int>` is written `<int:name>` everywhere else."""
    return f"<int:{parameter[1]}>" if parameter[2] == "int" else f"<{parameter[1]}>"


def _openapi(app: Any) -> dict[str, Any] | None:
    """What Litestar says of its requests."""
    try:
        schema: dict[str, Any] | None = app.openapi_schema.to_schema() if hasattr(app, "openapi_schema") else None
    except Exception as error:  # noqa: BLE001 - models that have no schema: the handler's source must do
        logging.getLogger("statecheck").warning("no OpenAPI document: %s", error)
        return None
    return schema


_KNOWN: tuple[tuple[str, str, str, Callable[[Any], Iterator[Route]]], ...] = (
    ("bottle", "bottle", "Bottle", _of_bottle),
    ("falcon", "falcon", "App", _of_falcon),
    ("falcon", "falcon.asgi", "App", _of_falcon),
    ("litestar", "litestar", "Litestar", _of_litestar),
)
"""(framework, its module, its app class, how it tells its routes)."""
