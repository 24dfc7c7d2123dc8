"""What needs the network, or documents that are not there: substituted where it fails without, and told.

What stands in holds what the app adds while it is imported, so that it can be driven. What a turn adds is not kept: a
conversation kept there cannot be judged, and a stand-in that seemed to keep or lose it would be a lie.
"""

from __future__ import annotations

import functools
import re
import weakref
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .offline import is_offline
from .offline_objects import MARK, fall_back, guard_constructor, hollow_out
from .recorder import RECORDER, TURN
from .subclasses import visit_subclasses

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Methods = dict[str, Callable[..., Any]]

_NO_MESSAGES: dict[str, Any] = {"sub_dicts": []}  # where `VectorMemory` looks for the messages of a node
_NOWHERE = "index.sc-dummy.invalid"
_TEXT = "This text stands in for what `{}` would have found."
_ABSENT = re.compile(r"(?:Directory|File) (.+) does not exist|No files found in (.+)\.")

_held: dict[int, list[Any]] = {}


def _list_nodes(store: Any) -> list[Any]:
    """The nodes that a store's stand-in holds."""
    if id(store) not in _held:
        _held[id(store)] = []
        weakref.finalize(store, _held.pop, id(store), None).atexit = False
    return _held[id(store)]


def _make_placeholder(thing: Any) -> Any:
    schema = import_module("llama_index.core.schema")
    return schema.TextNode(text=_TEXT.format(type(thing).__name__), metadata=_NO_MESSAGES)


def _add(self: Any, nodes: Any, **_: Any) -> list[str]:
    given = list(nodes)
    if not TURN.get():
        _list_nodes(self).extend(given)
    return [str(node.node_id) for node in given]


def _query(self: Any, query: Any, **_: Any) -> Any:
    found = _list_nodes(self)[: int(getattr(query, "similarity_top_k", None) or 1)] or [_make_placeholder(self)]
    types = import_module("llama_index.core.vector_stores.types")
    return types.VectorStoreQueryResult(
        nodes=found, similarities=[1.0] * len(found), ids=[str(node.node_id) for node in found]
    )


def _get(self: Any, *_: Any, **__: Any) -> list[Any]:
    return list(_list_nodes(self))


def _do_nothing(self: Any, *_: Any, **__: Any) -> None:
    """Do nothing: there is nothing to remove."""


def _load(self: Any, *_: Any, **__: Any) -> list[Any]:
    schema = import_module("llama_index.core.schema")
    return [schema.Document(text=_TEXT.format(type(self).__name__))]


def _retrieve(self: Any, *_: Any, **__: Any) -> list[Any]:
    schema = import_module("llama_index.core.schema")
    return [schema.NodeWithScore(node=_make_placeholder(self), score=1.0)]


def _fall_back_later(method: Callable[..., Any]) -> Callable[..., Any]:
    async def later(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *args, **kwargs)

    return later


_STORE: Methods = {
    "add": _add,
    "async_add": _fall_back_later(_add),
    "query": _query,
    "aquery": _fall_back_later(_query),
    "get_nodes": _get,
    "aget_nodes": _fall_back_later(_get),
    **dict.fromkeys(("delete", "delete_nodes", "clear"), _do_nothing),
    **dict.fromkeys(("adelete", "adelete_nodes", "aclear"), _fall_back_later(_do_nothing)),
}
_READER: Methods = {"load_data": _load, "aload_data": _fall_back_later(_load)}
_RETRIEVER: Methods = {"_retrieve": _retrieve, "_aretrieve": _fall_back_later(_retrieve)}


def _guard_below(attribute: str, methods: Methods) -> Callable[[ModuleType], None]:
    """A patch that lets these methods answer for the classes below one of LlamaIndex's, where they fail offline."""

    def visit(cls: type[Any]) -> None:
        if cls.__module__.startswith("llama_index.core."):
            return
        guard_constructor(cls, is_offline)
        for name, instead in methods.items():
            original = getattr(cls, name, None)
            if callable(original) and not getattr(original, "__isabstractmethod__", False):
                setattr(cls, name, fall_back(original, instead))

    return lambda module: visit_subclasses(getattr(module, attribute), visit)


def _patch_directories(module: ModuleType) -> None:
    """Let a text stand in for a folder of documents that is not there: what it says is not what is asked about."""
    reader = module.SimpleDirectoryReader
    original = reader.__init__
    if getattr(original, MARK, False):
        return

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it is set as one
        try:
            original(self, *args, **kwargs)
        except ValueError as error:
            absent = _ABSENT.match(str(error))
            if absent is None:
                raise
            hollow_out(self)
            where = absent[1] or absent[2]
            RECORDER.emit("substituted", action="read", cls=type(self).__name__, where=where, frames=RECORDER.frames())

    setattr(__init__, MARK, True)
    reader.__init__ = __init__
    for name, instead in _READER.items():
        setattr(reader, name, fall_back(getattr(reader, name), instead))


class _Indexes(list[Any]):
    """What lists Pinecone's indexes: none."""

    def names(self) -> list[str]:
        return []


def _describe_index(_: Any, name: str = "", **__: Any) -> Any:
    return SimpleNamespace(name=name, host=_NOWHERE, dimension=None, metric="cosine", status={"ready": True})


def _guard_pinecone(module: ModuleType) -> None:
    """Let Pinecone's client be asked for an index: it looks for its host then, long before anything is stored there."""
    client: Any = module.Pinecone
    index = client.Index
    instead: Methods = {
        "Index": lambda self, name="", *_, **__: index(self, name, host=_NOWHERE),
        "describe_index": _describe_index,
        "create_index": _describe_index,
        "list_indexes": lambda *_, **__: _Indexes(),
        "has_index": lambda *_, **__: True,
        "delete_index": _do_nothing,
    }
    for name, method in instead.items():
        if hasattr(client, name):
            setattr(client, name, fall_back(getattr(client, name), method))


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    **dict.fromkeys(("pinecone.control.pinecone", "pinecone.pinecone", "pinecone._client"), _guard_pinecone),
    "llama_index.core.vector_stores.types": _guard_below("BasePydanticVectorStore", _STORE),
    "llama_index.core.readers.file.base": _patch_directories,
    "llama_index.core.readers.base": _guard_below("BaseReader", _READER),
    "llama_index.core.base.base_retriever": _guard_below("BaseRetriever", _RETRIEVER),
}
"""What to run after each of these modules has been executed."""
