"""LlamaIndex's own server of workflows: an ASGI app, of which each workflow's start event is described."""

from __future__ import annotations

import gc
import inspect
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
            answered = _answered_by(workflow)
            if answered is not None:  # who asks a person cannot be waited for in one request
                routes += _ask(document, prefix, path, workflow, answered)
                continue
            routes.append({**first_step(workflow), "path": path, "methods": ["POST"]})
            # the handler's id resumes what an earlier run left; few clients send it
            properties = {"start_event": document.schema(workflow), "handler_id": {"type": "string"}}
            document.add(path, {"type": "object", "properties": properties, "required": ["start_event"]})
    target.facts |= {"routes": routes, "openapi": document.as_json}
    if app in [server.app for server in servers]:
        target.facts["framework"] = "workflow-server"
    return target


def _answered_by(workflow: Any) -> Any:
    """The class of the event by which a workflow is answered that asks a person; None of one that asks nobody.

    That is one that a step takes, or one for which a step waits (`ctx.wait_for_event(Said)`).
    """
    base = getattr(sys.modules.get("workflows.events"), "HumanResponseEvent", None)
    events = list(getattr(workflow, "events", None) or ())
    for step in workflow._get_steps().values():  # noqa: SLF001 - no public name for it
        function = inspect.unwrap(step)
        code = getattr(function, "__code__", None)
        if code is not None and "wait_for_event" in code.co_names:
            events += [function.__globals__.get(name) for name in code.co_names]
            events.append(base)
    return next((e for e in events if base is not None and isinstance(e, type) and issubclass(e, base)), None)


def _ask(document: Document, prefix: str, path: str, workflow: Any, answered: Any) -> list[dict[str, Any]]:
    """The routes by which a workflow is begun that asks a person, and by which it is answered, described."""
    begin, answer = f"{path}-nowait", f"{prefix}/events/{{handler_id}}"
    start = {"type": "object", "properties": {"start_event": document.schema(workflow)}, "required": ["start_event"]}
    document.add(begin, start, answers=("handler_id",))
    told = document.schema_of(answered)
    told = {**told, "properties": told.get("properties") or {"response": {"type": "string"}}}
    event = {"type": {"type": "string", "enum": [answered.__name__]}, "value": told}
    document.add(answer, {"type": "object", "properties": {"event": _needed(event)}, "required": ["event"]})
    route = {"methods": ["POST"], "file": "", "line": 0}
    return [
        {**first_step(workflow), "path": begin, "methods": ["POST"]},
        {**route, "path": answer, "name": "answer"},
    ]


def _needed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _servers() -> Iterator[Any]:
    module = sys.modules.get("llama_agents.server.server")
    made = getattr(module, "WorkflowServer", None)
    if made is not None:
        yield from [thing for thing in gc.get_objects() if isinstance(thing, made)]


def _workflows(servers: list[Any]) -> Iterator[tuple[str, Any]]:
    for server in servers:
        yield from server.get_workflows().items()
