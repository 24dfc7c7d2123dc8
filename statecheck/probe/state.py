"""Observes every memory, chat store, context store, Context, chat engine and workflow run, by wrapping classes.

LlamaIndex's own instrumentation is silent on all of these. Classes are wrapped, not instances (pydantic models
refuse new attributes), and every subclass with them, those of the app too.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from .method_wrappers import Table, record_unawaited, wrap_tree
from .observations import LIBRARY_KEYS
from .recorder import CALLER, RECORDER
from .store_defects import watch_stores
from .value_defects import watch_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_MEMORY = Table(
    "memory",
    reads=("get", "get_all", "aget", "aget_all"),
    writes=("put", "put_messages", "aput", "aput_messages"),
    sets=("set", "aset"),
    others={"reset": ("reset", "areset")},
    build=True,
)
_BLOCK = Table("block", reads=("aget",), writes=("aput",), build=True)
_CHAT_STORE = Table(
    "chat-store",
    reads=("get_messages", "aget_messages"),
    writes=("add_message", "async_add_message", "add_messages"),
    sets=("set_messages", "aset_messages"),
    others={
        "delete": ("delete_messages", "adelete_messages", "delete_last_message", "adelete_last_message"),
        "persist": ("persist",),
    },
    loads=("from_persist_path",),
    build=True,
)
_DB_STORE = Table(
    "chat-store",
    reads=("get_messages",),
    writes=("add_message", "add_messages"),
    sets=("set_messages",),
    others={"delete": ("delete_messages", "delete_oldest_messages"), "archive": ("archive_oldest_messages",)},
    build=True,
)
_CTX_STORE = Table(
    "ctx-store",
    reads=("get", "get_state"),
    writes=("set", "set_state"),
    others={"reset": ("clear",)},
    edits=("edit_state",),
)
_CONTEXT = Table("context", others={"to_dict": ("to_dict",)}, loads=("from_dict",), build=True)
_ENGINE = Table(
    "engine", calls=("chat", "achat", "stream_chat", "astream_chat"), others={"reset": ("reset",)}, build=True
)
_RUN = Table("run", calls=("run",))
_WORKFLOW = Table("workflow", build=True)
_ASKS = Table("asks", build=True)
_ANSWERS = Table("answers", build=True)


def _tree(attribute: str, table: Table) -> Callable[[ModuleType], None]:
    def patch(module: ModuleType) -> None:
        base = getattr(module, attribute, None)
        if base is not None:
            wrap_tree(base, table)

    return patch


def _watch_chat_stores(module: ModuleType) -> None:
    _tree("BaseChatStore", _CHAT_STORE)(module)
    watch_stores(module.BaseChatStore)


def _remember_constants(module: ModuleType) -> None:
    default = getattr(module, "DEFAULT_CHAT_STORE_KEY", None)
    if isinstance(default, str):
        LIBRARY_KEYS.add(default)
    _tree("BaseMemory", _MEMORY)(module)


_NEVER_AWAITED = "_warn_unawaited_coroutine"  # what the interpreter calls when a coroutine goes that never ran


def watch_warnings() -> None:
    """Record the warnings by which LlamaIndex says that it drops state, and Python that a write was never awaited."""
    original = warnings.warn
    never_awaited: Any = getattr(warnings, _NEVER_AWAITED, None)

    def warn(message: Any, category: Any = None, *args: Any, **kwargs: Any) -> None:
        kind = type(message) if isinstance(message, Warning) else category
        if getattr(kind, "__name__", "") == "UnserializableKeyWarning":
            RECORDER.emit(
                "warning", cls=kind.__name__, note=str(message)[:500], frames=RECORDER.frames() or CALLER.get()
            )
        if "stacklevel" in kwargs:
            kwargs["stacklevel"] += 1
        elif not args:
            kwargs["stacklevel"] = 2
        original(message, category, *args, **kwargs)

    def warn_unawaited(coroutine: Any) -> None:
        record_unawaited(coroutine)
        never_awaited(coroutine)

    warnings.warn = warn
    if never_awaited is not None:
        setattr(warnings, _NEVER_AWAITED, warn_unawaited)


def _watch_workflows(module: ModuleType) -> None:
    _tree("Workflow", _RUN)(module)
    _tree("Workflow", _WORKFLOW)(module)


def _watch_people(module: ModuleType) -> None:
    """Observe what a run asks of a person, and what it is answered."""
    _tree("InputRequiredEvent", _ASKS)(module)
    _tree("HumanResponseEvent", _ANSWERS)(module)


def _watch_stores(module: ModuleType) -> None:
    _tree("StateStoreFacade", _CTX_STORE)(module)
    _tree("InMemoryStateStore", _CTX_STORE)(module)  # no facade in workflows 1 and the first ones of 2


def _watch_first_contexts(module: ModuleType) -> None:
    """Observe the Context of a LlamaIndex whose workflows are no package of their own: it is its own store."""
    if module.Context.__module__ == module.__name__:  # later a name for the one that is watched already
        _tree("Context", _CONTEXT)(module)
        _tree("Context", _CTX_STORE)(module)


_CONTEXTS = _tree("Context", _CONTEXT)
_CORE: dict[str, Callable[[ModuleType], None]] = {
    "memory.types": _remember_constants,
    "memory.memory": _tree("BaseMemoryBlock", _BLOCK),
    "storage.chat_store.base": _watch_chat_stores,
    "storage.kvstore.types": lambda module: watch_values(module.BaseKVStore),
    "storage.chat_store.base_db": _tree("AsyncDBChatStore", _DB_STORE),
    "chat_engine.types": _tree("BaseChatEngine", _ENGINE),
}
HOOKS: dict[str, Callable[[ModuleType], None]] = {
    **{f"llama_index.core.{name}": patch for name, patch in _CORE.items()},
    **{f"llama_index.{name}": patch for name, patch in _CORE.items()},  # where they were before 0.10
    "llama_index.core.workflow.context": _watch_first_contexts,
    "llama_index.core.workflow.workflow": _watch_workflows,
    "llama_index.core.workflow.events": _watch_people,
    "workflows.events": _watch_people,
    "llama_agents.workflows.events": _watch_people,
    "workflows.context.state_store": _watch_stores,
    "workflows.context.context": _CONTEXTS,
    "workflows.workflow": _watch_workflows,
    # The alias package loads second copies of these with classes of their own.
    "llama_agents.workflows.context.state_store": _watch_stores,
    "llama_agents.workflows.context.context": _CONTEXTS,
    "llama_agents.workflows.workflow": _watch_workflows,
}
