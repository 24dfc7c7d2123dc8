"""Packages lent to a target whose environment has no server to be served by: pure Python, found after its own."""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class _Lent(MetaPathFinder):
    """Asked last: what the target has itself comes first."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Find one that is lent."""
        file = self._files.get(name)
        return importlib.util.spec_from_file_location(name, file) if file else None


def lend(offered: dict[str, tuple[str, int]]) -> None:
    """Let these be imported where the target's environment has none of that name.

    Args:
        offered: {top-level module: (its file, the oldest minor version of Python 3 that it is for)}. Call it when the
            app is loaded, so that the app does not find them.
    """
    fitting = {name: file for name, (file, oldest) in offered.items() if sys.version_info >= (3, oldest)}
    sys.meta_path.append(_Lent(fitting))
