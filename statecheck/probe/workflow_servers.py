"""LlamaIndex's servers of workflows: where one keeps its runs, and how old those seem that another one left."""

from __future__ import annotations

import functools
import sys
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from .distributions import find_distribution
from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_PACKAGE = "llama_agents.server"
_IN_MEMORY = "MemoryWorkflowStore"


def _watch(module: ModuleType) -> None:
    """Record each server that is built with a store which other processes read, too."""
    built: Any = getattr(module, "WorkflowServer", None)
    if built is None:
        return
    original: Callable[..., None] = built.__init__

    @functools.wraps(original)
    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        store = type(kwargs.get("workflow_store")).__name__
        if store not in ("NoneType", _IN_MEMORY):
            found = find_distribution(built)
            RECORDER.emit("server", action="build", cls="WorkflowServer", where=store, distribution=found, frames=_at())

    built.__init__ = build


def _at() -> Any:
    return RECORDER.frames(3)


def age_runs(seconds: int) -> None:
    """Let it be so many seconds later to the servers, so that what they find under way has that age.

    Their own modules alone are told so: a server passes over what has only just begun, and nobody can wait.
    """
    if not seconds:
        return
    for name, module in [*sys.modules.items()]:
        if name.startswith(f"{_PACKAGE}.") and vars(module).get("datetime") is datetime:
            vars(module)["datetime"] = _make_later(seconds)


def _make_later(seconds: int) -> type[datetime]:
    class Kind(type):
        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, datetime)

    class Later(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # the plain class, as all use it
            return datetime.now(tz) + timedelta(seconds=seconds)

    return Later


HOOKS: dict[str, Callable[[ModuleType], None]] = {f"{_PACKAGE}.server": _watch}
