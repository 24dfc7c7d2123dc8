"""Folders of a persisted index that are not there: which the app looked for in vain, and what stands in for them.

They are made by a script of the app's, from documents and a model, and are in no repository. What is made here is an
index without content, which is loaded as one of a single text: what it says is not what is asked about.
"""

from __future__ import annotations

import functools
import json
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .offline import chain
from .offline_objects import MARK
from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

_VECTORS: dict[str, Any] = {"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}
_FILES: dict[str, dict[str, Any]] = {
    "docstore.json": {},
    "index_store.json": {},
    "graph_store.json": {"graph_dict": {}},
    "default__vector_store.json": _VECTORS,
    "image__vector_store.json": _VECTORS,
}
"""What an empty index is persisted as."""
_NO_VECTORS = ("default",)
"""The arguments of the exception that a storage without vectors raises."""
_TEXT = "This text stands in for the documents of an index that is not there."
_MOST = 50

_missed: dict[str, None] = {}
_made: list[str] = []


def note_missed(path: str) -> None:
    """Note that a line of the user's looked for something that is not there, while its app starts."""
    if len(_missed) < _MOST and RECORDER.fd >= 0 and RECORDER.frames(3):
        _missed[os.path.abspath(path)] = None


def list_missed(error: BaseException) -> list[str]:
    """The folders that were looked for in vain, and those of an index whose file an exception names."""
    named = (one.filename for one in chain(error) if isinstance(one, FileNotFoundError))
    files = [os.path.abspath(name) for name in named if isinstance(name, str)]
    return list({**_missed, **{os.path.dirname(file): None for file in files if os.path.basename(file) in _FILES}})


def make_indexes(folders: Iterable[str]) -> None:
    """Make what is lacking of an index in each of these folders, before the app looks there."""
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        for name, content in _FILES.items():
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(content, file)
        _made.append(folder)


def _patch_loading(module: ModuleType) -> None:
    """Let an index of one text be loaded where the app's own was made here, and has none."""
    original = module.load_index_from_storage
    if getattr(original, MARK, False):
        return

    @functools.wraps(original)
    def load_index_from_storage(storage_context: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(storage_context, *args, **kwargs)
        except (ValueError, KeyError) as error:
            if error.args == _NO_VECTORS:  # they are the largest of its files, and left out of repositories alone
                where = "default__vector_store.json"
                RECORDER.emit("substituted", action="read", cls="Index", where=where, frames=RECORDER.frames())
            elif not _made:
                raise
        kwargs.pop("index_id", None)
        schema, stores = import_module("llama_index.core.schema"), import_module("llama_index.core.indices")
        return stores.VectorStoreIndex.from_documents([schema.Document(text=_TEXT)], **kwargs)

    setattr(load_index_from_storage, MARK, True)
    module.load_index_from_storage = load_index_from_storage  # type: ignore[attr-defined]


HOOKS: dict[str, Callable[[ModuleType], None]] = {"llama_index.core.indices.loading": _patch_loading}
"""What to run after each of these modules has been executed."""
