"""What `--version` prints, read cheaply: it answers before anything else is imported."""

from __future__ import annotations

import os
import sys

from statecheck import __version__


def version() -> str:
    """`statecheck 0.1.0 (Python 3.11.7, llama-index-core 0.14.25)`: what a bug report needs."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"statecheck {__version__} (Python {python}, llama-index-core {_installed('llama_index_core')})"


def _installed(package: str) -> str:
    """Read a package's version off its metadata's folder; importlib.metadata alone would double start-up."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - pathlib costs more than all of this
        except OSError:
            continue
        for name in names:
            if name.startswith(f"{package}-") and name.endswith(".dist-info"):
                return name[len(package) + 1 : -len(".dist-info")]
    return "not found"
