"""Find the Python files below a directory that could be part of an app: no tests, no installed packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.source.code.reading import exists, is_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_SKIPPED = frozenset(
    [
        "build",
        "dist",
        "env",
        "node_modules",
        "site-packages",
        "dist-packages",
        "test",
        "tests",
        "testing",
        "venv",
        "virtualenv",
        "__pycache__",
        "__pypackages__",
    ]
)
MAX_FILES = 5000
MAX_DIRECTORIES = 20_000


def directories(top: Path, deepest: int | None = None) -> Iterator[tuple[Path, list[str]]]:
    """`top` and the directories below it that hold the user's own files, with their file names, sorted.

    Left out are hidden directories, virtual environments, installed packages, tests and build results, and what lies
    more than `deepest` levels below `top`. Links to directories are not followed; what cannot be listed is left out,
    and all after `MAX_DIRECTORIES`.
    """
    for number, (folder, names, files) in enumerate(os.walk(top)):
        if number == MAX_DIRECTORIES:
            return
        bottom = deepest is not None and len(Path(folder).relative_to(top).parts) >= deepest
        names[:] = [] if bottom else sorted(name for name in names if not _skipped(folder, name))
        yield Path(folder), sorted(files)


def python_files(top: Path) -> Iterator[Path]:
    """Yield the Python files of the directories below `top`, without test files, at most `MAX_FILES`."""
    left = MAX_FILES
    for folder, names in directories(top):
        for name in names:
            if name.endswith(".py") and not _is_test(name) and is_file(folder / name):
                yield folder / name
                left -= 1
                if not left:
                    return


def _skipped(folder: str, name: str) -> bool:
    if name.startswith(".") or name in _SKIPPED or name.endswith(".egg-info"):
        return True
    return exists(Path(folder, name, "pyvenv.cfg"))


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name in ("conftest.py", "setup.py")
