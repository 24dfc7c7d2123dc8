"""LlamaIndex's own server of workflows: an ASGI app, of which each workflow's start event is described."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import fastapi
from .workflows import Document, first_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .asgi import AsgiTarget
    from .offer import Offer

_RUN = "/workflows/{name}/run"


def adapt(offer: Offer) -> AsgiTarget | None:
    """Take a server of workflows, its app, or an app that mounts it."""
    servers = list(_servers())
    if not servers:
        return None
    app = offer.thing.app if offer.thing in servers else offer.thing
    target = fastapi.adapt(replace(offer, thing=app))
    if target is None or not any(route["path"].endswith(_RUN) for route in target.facts["routes"]):
        return None
    routes: list[dict[str, Any]] = []
    document = Document(target.facts["openapi"])
    for each in target.facts["routes"]:
        prefix = each["path"].removesuffix(_RUN)
        if prefix == each["path"]:
            routes.append(each)
            continue
        for name, workflow in _workflows(servers):
            path = prefix + _RUN.replace("{name}", name)
            routes.append({**first_step(workflow), "path": path, "methods": ["POST"]})
            # the handler's id resumes what an earlier run left; few clients send it
            properties = {"start_event": document.schema(workflow), "handler_id": {"type": "string"}}
            document.add(path, {"type": "object", "properties": properties, "required": ["start_event"]})
    target.facts |= {"routes": routes, "openapi": document.as_json}
    if app in [server.app for server in servers]:
        target.facts["framework"] = "workflow-server"
    return target


def _servers() -> Iterator[Any]:
    module = sys.modules.get("llama_agents.server.server")
    made = getattr(module, "WorkflowServer", None)
    if made is not None:
        yield from [thing for thing in gc.get_objects() if isinstance(thing, made)]


def _workflows(servers: list[Any]) -> Iterator[tuple[str, Any]]:
    for server in servers:
        yield from server.get_workflows().items()
