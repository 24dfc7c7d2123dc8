"""Workflows of earlier LlamaIndex versions are observed too: their Context, its store, and which run is which."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from histories import marker

from statecheck.history import Op, decode_lines
from statecheck.lab.workers.op_file import anonymous_file
from statecheck.probe import state
from statecheck.probe.adapters.offer import Offer
from statecheck.probe.adapters.workflows import adapt
from statecheck.probe.recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IN_CORE = "llama_index.core.workflow"
FIRST = '''
class Context:
    """As in LlamaIndex 0.11 to 0.12.44: it keeps the values itself."""

    def __init__(self, workflow):
        self._globals = {}

    async def set(self, key, value, make_private=False):
        self._globals[key] = value

    async def get(self, key, default=...):
        return self._globals.get(key, default)

    def to_dict(self, serializer=None):
        return {"globals": dict(self._globals), "is_running": bool(self._globals)}

    @classmethod
    def from_dict(cls, workflow, data, serializer=None):
        context = cls(workflow)
        context._globals = data["globals"]
        return context
'''
STORE = '''
class InMemoryStateStore:
    """As in workflows 1: behind no facade."""

    def __init__(self, initial_state):
        self._state = initial_state

    async def set(self, path, value):
        self._state[path] = value

    async def get(self, path, default=...):
        return self._state.get(path, default)
'''
WORKFLOW = """
import asyncio

class StartEvent: ...

class Config:
    accepted_events, event_name = [StartEvent], "ev"

class Workflow:
    def run(self, **fields):
        return asyncio.ensure_future(self.answer(**fields))

    async def answer(self, message):
        await self.context.set("said", message)
        return message

    def _get_steps(self):
        return {"answer": type(self).answer}

Workflow.answer.__step_config = Config
"""


def module(name: str, source: str) -> Any:
    made = ModuleType(name)
    exec(compile(source, f"/site-packages/{name}.py", "exec"), made.__dict__)
    if name in state.HOOKS:
        state.HOOKS[name](made)
    return made


@pytest.fixture
def ops() -> Iterator[Callable[[], list[Op]]]:
    fd = anonymous_file()
    RECORDER.open(fd, (str(Path(__file__).parent),))
    yield lambda: [op for op in decode_lines(os.pread(fd, 1 << 24, 0)) if op.f != "gone"]
    RECORDER.fd = -1
    os.close(fd)


def test_a_first_context_is_its_own_store(ops: Callable[[], list[Op]]) -> None:
    context = module(f"{IN_CORE}.context", FIRST).Context(None)

    async def use() -> Any:
        await context.set("name", marker(1))
        return await context.get("name")

    assert asyncio.run(use()) == marker(1)
    assert type(context).from_dict(None, context.to_dict())._globals == {"name": marker(1)}
    assert [(op.f, op.action, op.name, op.markers) for op in ops() if op.f == "ctx-store"] == [
        ("ctx-store", "write", "name", (marker(1),)),
        ("ctx-store", "read", "name", (marker(1),)),
    ]
    assert [op.action for op in ops() if op.f == "context"] == ["build", "to_dict", "build", "load"]
    assert [op.running for op in ops() if op.action == "to_dict"] == [True], "a snapshot of a run that waits"


def test_a_name_for_the_context_of_another_module_is_not_watched_again(ops: Callable[[], list[Op]]) -> None:
    elsewhere = module("elsewhere", FIRST).Context
    again = ModuleType(f"{IN_CORE}.context")
    again.Context = elsewhere  # type: ignore[attr-defined]

    state.HOOKS[again.__name__](again)
    asyncio.run(elsewhere(None).set("name", marker(1)))

    assert ops() == []


def test_a_store_without_a_facade_is_observed(ops: Callable[[], list[Op]]) -> None:
    store = module("workflows.context.state_store", STORE).InMemoryStateStore({})

    asyncio.run(store.set("name", marker(1)))

    assert [(op.action, op.name, op.markers) for op in ops()] == [("write", "name", (marker(1),))]


@pytest.mark.parametrize("package", ["workflows", IN_CORE])
def test_a_workflow_of_any_time_is_driven_and_its_runs_are_told_apart(
    package: str, monkeypatch: pytest.MonkeyPatch, ops: Callable[[], list[Op]]
) -> None:
    flows, events = module(f"{package}.workflow", WORKFLOW), ModuleType(f"{IN_CORE}.events")
    events.StartEvent = flows.StartEvent  # type: ignore[attr-defined]
    for each in (flows, events):
        monkeypatch.setitem(sys.modules, each.__name__, each)
    flow = flows.Workflow()
    flow.context = module(f"{IN_CORE}.context", FIRST).Context(flow)

    driven = adapt(Offer(flow, "flow", "workflow"))

    assert driven is not None
    driven.loop.close()
    assert [(route["name"], route["event"]) for route in driven.facts["routes"]] == [("answer", "ev")]

    async def twice() -> list[Any]:
        return [await driven.function(message=marker(number)) for number in (1, 2)]

    assert asyncio.run(twice()) == [marker(1), marker(2)]
    runs = [op.run for op in ops() if op.action == "write"]
    assert len(set(runs)) == 2
    assert all(runs)
