"""Runs a patch right after a module has been imported, whenever that is, and at once where it already was."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from . import (
    absent_indexes,
    adapters,
    caches,
    caught_servers,
    client_holds,
    encodings,
    http_clients,
    lent_keys,
    models,
    references,
    retries,
    signed_tokens,
    sql,
    state,
    substitutes,
    tools,
    workflow_servers,
)
from .progress import IMPORTS

Patch = Callable[[ModuleType], None]

_SOURCES = (
    *(
        module.HOOKS
        for module in (
            absent_indexes,
            caches,
            caught_servers,
            client_holds,
            encodings,
            http_clients,
            lent_keys,
            models,
            references,
            retries,
            signed_tokens,
            sql,
            state,
            substitutes,
            tools,
            workflow_servers,
        )
    ),
    *adapters.hooks(),
)
_PATCHES: dict[str, list[Patch]] = {}
for _source in _SOURCES:
    for _name, _patch in _source.items():
        _PATCHES.setdefault(_name, []).append(_patch)


def _apply(module: ModuleType) -> None:
    name = module.__name__
    for patch in _PATCHES[name]:
        try:
            patch(module)
        except Exception as error:  # noqa: BLE001 - a library that changed must not break the app: say what is unseen
            sys.stderr.write(f"statecheck: `{name}` is not observed ({type(error).__name__}: {error})\n")


class _Loader(importlib.abc.Loader):
    """The module's own loader, and the patches after it."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._inner.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        _apply(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds what the other finders find, and wraps the loader of the modules that are patched; tells of all."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        IMPORTS.note(fullname)
        if fullname not in _PATCHES:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


def install() -> None:
    """Patch what is imported already and what will be."""
    sys.meta_path.insert(0, _Finder())
    for name in _PATCHES:
        module = sys.modules.get(name)
        if module is not None:
            _apply(module)
