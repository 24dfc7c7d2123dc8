"""Which distribution a class comes from, and its version: a library's own fault is named by them."""

from __future__ import annotations

import functools
import os
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Iterator

_CORE = "llama_index.core"


def find_distribution(cls: Any) -> str:
    """The distribution that a class comes from: `llama-index-core 0.14.25`; "" for one of the user's, or of none."""
    return _find(str(getattr(cls, "__module__", "")))


@functools.cache
def _find(module: str) -> str:
    file = os.path.abspath(getattr(sys.modules.get(module), "__file__", None) or "")
    if RECORDER.relative(file):
        return ""
    if module.startswith(f"{_CORE}."):  # nearly every class that is asked for, and it says so itself
        return f"llama-index-core {getattr(sys.modules.get(_CORE), '__version__', '')}".strip()
    token = TURN.set(0)  # what is read meanwhile is no doing of the app's
    try:
        for distribution in _candidates(module):
            root = os.path.abspath(str(distribution.locate_file(""))) + os.sep
            if file.startswith(root) and f"{file[len(root) :]}," in (distribution.read_text("RECORD") or ""):
                return _name(distribution)
    except Exception:  # noqa: BLE001 - metadata may be damaged
        return ""
    finally:
        TURN.reset(token)
    return ""


def _name(distribution: metadata.Distribution) -> str:
    """`name version`, without the parser of mails that `metadata.metadata` imports."""
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    said = dict(line.split(": ", 1) for line in head.splitlines() if line.startswith(("Name: ", "Version: ")))
    return f"{said['Name']} {said['Version']}"


def _candidates(module: str) -> Iterator[metadata.Distribution]:
    """Yield those that are called as the module is, from the whole of its name on; then all others."""
    parts = module.replace("_", "-").split(".")
    for length in range(len(parts), 0, -1):
        try:
            yield metadata.distribution("-".join(parts[:length]))
        except metadata.PackageNotFoundError:
            continue
    yield from metadata.distributions()
