"""Flask and Quart apps: their routes, those of blueprints and class-based views too; served as WSGI or as ASGI."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from ..caches import SESSION, observe_tree
from ..turns import note
from .offer import find_in, route
from .web import VERBS, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .offer import Loaded, Offer


def adapt(offer: Offer) -> Loaded | None:
    """Take an instance of Flask's or Quart's app class, and what wraps one."""
    if offer.framework == "callable":
        return None
    for framework, name in (("flask", "Flask"), ("quart", "Quart")):
        app = find_in(offer.thing, framework, name)
        if app is not None:
            return serve(offer, facts_of(app, framework), getattr(app, "websocket_class", None))
    return None


def facts_of(app: Any, framework: str) -> dict[str, Any]:
    """Return what is known of an app, whose views are watched from now on."""
    _watch(app, framework)
    return {"framework": framework, "routes": list(_routes(app))}


def _routes(app: Any) -> Iterator[dict[str, Any]]:
    """Every endpoint of an app but its static files."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        if view is None or rule.endpoint.rpartition(".")[2] == "static":
            continue
        methods = [verb for verb in VERBS if verb in (rule.methods or ())]
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


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "flask.sessions": observe_tree("SecureCookieSession", SESSION),
    "flask_session.base": observe_tree("ServerSideSession", SESSION),
}
