"""A workflow or an agent on its own: driven by `run`, with the fields of its start event."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from .callables import CallableTarget
from .offer import route

if TYPE_CHECKING:
    from .offer import Offer

_PACKAGES = ("workflows", "llama_index.core.workflow")
"""Where `Workflow` is defined: once in LlamaIndex's core, now in a package of its own."""
_STEP_CONFIGS = ("_step_config", "__step_config")
"""What a step is marked with by its decorator, now and in workflows 1 and before."""
_AGENTS = (
    ("llama_index.core.agent.workflow.base_agent", "BaseWorkflowAgent"),
    ("llama_index.core.agent.workflow.multi_agent_workflow", "AgentWorkflow"),
)


def adapt(offer: Offer) -> CallableTarget | None:
    """Take an instance of a workflow; an agent is one."""
    workflow = offer.thing
    package = next((name for name in _PACKAGES if offer.made_by(f"{name}.workflow", "Workflow")), None)
    if package is None:
        return None

    async def run(**fields: Any) -> Any:
        handler = workflow.run(**fields)
        if not hasattr(handler, "stream_events"):
            return await handler  # the first workflows asked nobody
        answering = asyncio.ensure_future(_answer(handler, fields, sys.modules[f"{package}.events"]))
        answering.add_done_callback(lambda done: done.cancelled() or done.exception())  # the run tells it itself
        try:
            return await handler
        finally:
            answering.cancel()

    facts: dict[str, Any] = {"framework": "workflow", "object": offer.name, "routes": [first_step(workflow)]}
    if any(offer.made_by(module, name) for module, name in _AGENTS):
        facts["parameters"] = ["user_msg", "chat_history"]
    else:
        document = Document()
        document.add("run", document.schema(workflow))
        facts["openapi"] = document.as_json
    return CallableTarget(run, facts)


async def _answer(handler: Any, fields: dict[str, Any], events: Any) -> None:
    """Answer what the run asks of a person, with what the person said in this turn."""
    said = next((value for value in fields.values() if isinstance(value, str)), "")
    async for event in handler.stream_events():
        if isinstance(event, events.InputRequiredEvent):
            handler.ctx.send_event(events.HumanResponseEvent(response=said))


def first_step(workflow: Any) -> dict[str, Any]:
    """The route to a workflow: the step that takes its start event, and by which parameter it does (`event`)."""
    for name, step in workflow._get_steps().items():  # noqa: SLF001 - no public name for it
        taken = next(getattr(step, name) for name in _STEP_CONFIGS if hasattr(step, name))
        if _start_event(workflow) in taken.accepted_events:
            return {**route("", [], name, step), "event": taken.event_name}
    return route("", [], type(workflow).__name__, None)


def _start_event(workflow: Any) -> Any:
    """The class of the event that a workflow starts with; the first ones all had the same."""
    own = getattr(workflow, "start_event_class", None) or getattr(workflow, "_start_event_class", None)
    return own or sys.modules["llama_index.core.workflow.events"].StartEvent


class Document:
    """An OpenAPI document that is added to: what workflows take is told as any other request is."""

    def __init__(self, known: dict[str, Any] | None = None) -> None:
        known = known or {}
        components = known.get("components", {})
        self._schemas: dict[str, Any] = dict(components.get("schemas", {}))
        self._paths: dict[str, Any] = dict(known.get("paths", {}))
        self.as_json = {**known, "paths": self._paths, "components": {**components, "schemas": self._schemas}}

    def add(self, path: str, body: dict[str, Any], answers: tuple[str, ...] = ()) -> None:
        """Add a request with a JSON body; `answers` are texts in what comes back."""
        operation: dict[str, Any] = {"requestBody": {"required": True, "content": _json(body)}}
        if answers:
            given = {"type": "object", "properties": {name: {"type": "string"} for name in answers}}
            operation["responses"] = {"200": {"description": "", "content": _json(given)}}
        self._paths[path] = {"post": operation}

    def schema(self, workflow: Any) -> dict[str, Any]:
        """The schema of a workflow's start event; of one that has none, that of any object."""
        return self.schema_of(_start_event(workflow))

    def schema_of(self, event: Any) -> dict[str, Any]:
        """The schema of an event; of one that has none, that of any object."""
        try:
            found: dict[str, Any] = event.model_json_schema(ref_template="#/components/schemas/{model}")
        except Exception:  # noqa: BLE001 - a type that JSON does not know: the step's source must do
            return {"type": "object"}
        self._schemas.update(found.pop("$defs", {}))
        return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
