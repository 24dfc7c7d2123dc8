"""Bottle apps: their routes; served as any WSGI app is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .offer import find_in, function_name, route
from .web import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .offer import Loaded, Offer

_FILTERED = re.compile(r"<(\w+):(\w+)[^>]*>")


def adapt(offer: Offer) -> Loaded | None:
    """Take an instance of Bottle's app class, and what wraps one."""
    app = find_in(offer.thing, "bottle", "Bottle") if offer.framework != "callable" else None
    return serve(offer, {"framework": "bottle", "routes": list(_routes(app))}) if app is not None else None


def _routes(app: Any) -> Iterator[dict[str, Any]]:
    for each in app.routes:
        path = _FILTERED.sub(_usual, each.rule)
        yield route(path, [each.method], function_name(each.callback), each.callback)


def _usual(parameter: re.Match[str]) -> str:
    """`<name:int>` is written `<int:name>` everywhere else."""
    return f"<int:{parameter[1]}>" if parameter[2] == "int" else f"<{parameter[1]}>"
