"""Flask and Quart apps: their routes, those of blueprints and class-based views too; served as WSGI or as ASGI."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from ..turns import note
from .asgi import AsgiTarget, is_asgi
from .offer import found_in, route
from .wsgi import WsgiTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .offer import Loaded, Offer

_VERBS = ("GET", "POST", "PUT", "PATCH")


def adapt(offer: Offer) -> Loaded | None:
    """Take an instance of Flask's or Quart's app class, and what wraps one."""
    if offer.framework == "callable":
        return None
    for framework, name in (("flask", "Flask"), ("quart", "Quart")):
        app = found_in(offer.thing, framework, name)
        if app is not None:
            _watch(app, framework)
            facts = {"framework": framework, "object": offer.name, "routes": list(routes(app))}
            if is_asgi(offer.thing):
                return AsgiTarget(offer.thing, facts, getattr(app, "websocket_class", None))
            return WsgiTarget(offer, facts)
    return None


def routes(app: Any) -> Iterator[dict[str, Any]]:
    """Every endpoint of an app but its static files."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        if view is None or rule.endpoint.rpartition(".")[2] == "static":
            continue
        methods = [verb for verb in _VERBS if verb in (rule.methods or ())]
        methods = ["WEBSOCKET"] if getattr(rule, "websocket", False) else methods
        if not hasattr(view, "view_class"):
            yield route(rule.rule, methods, rule.endpoint, view)
            continue
        of_class = view.view_class
        for verb in methods:
            method = getattr(of_class, verb.lower(), None) or of_class.dispatch_request
            yield route(rule.rule, [verb], of_class.__name__, method)


def _watch(app: Any, framework: str) -> None:
    """Note what a view raises: the framework logs it and answers 500."""
    signals = sys.modules[f"{framework}.signals"]

    def raised(_sender: Any, exception: BaseException | None = None, **_extra: Any) -> None:
        note(exception)

    signals.got_request_exception.connect(raised, weak=False)
    logging.getLogger(app.name).addFilter(lambda line: not str(line.msg).startswith("Exception on "))
