"""Find the Python files below a directory that could be part of an app: no tests, no installed packages."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.probe.notebooks import SUFFIX
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


def directories(top: Path, deepest: int | None = None, *, strict: bool = False) -> Iterator[tuple[Path, list[str]]]:
    """`top` and the directories below it that hold the user's own files, with their file names, sorted.

    Left out are hidden directories, virtual environments, installed packages, tests and build results, and what lies
    more than `deepest` levels below `top`. Links to directories are not followed; what cannot be listed is left out,
    and all after `MAX_DIRECTORIES`.

    Raises:
        StatecheckError: there are more than these, and `strict` does not want to miss any.
    """
    for number, (folder, names, files) in enumerate(os.walk(top)):
        if number == MAX_DIRECTORIES:
            if strict:
                raise _too_large(top, f"{MAX_DIRECTORIES} folders")
            return
        bottom = deepest is not None and len(Path(folder).relative_to(top).parts) >= deepest
        names[:] = [] if bottom else sorted(name for name in names if not _skipped(folder, name))
        yield Path(folder), sorted(files)


def python_files(top: Path, *, strict: bool = False) -> Iterator[Path]:
    """Yield the Python files of the directories below `top`, without test files, at most `MAX_FILES`.

    Raises:
        StatecheckError: there are more than these, or more directories, and `strict` does not want to miss any.
    """
    left = MAX_FILES
    for folder, names in directories(top, strict=strict):
        for name in names:
            if name.endswith(".py") and not _is_test(name) and is_file(folder / name):
                if not left:
                    if strict:
                        raise _too_large(top, f"{MAX_FILES} Python files")
                    return
                yield folder / name
                left -= 1


def notebooks(top: Path) -> Iterator[Path]:
    """Yield the notebooks of the directories below `top`, at most `MAX_FILES`."""
    found = (folder / name for folder, names in directories(top) for name in names if name.endswith(SUFFIX))
    yield from itertools.islice(filter(is_file, found), MAX_FILES)


def _too_large(top: Path, what: str) -> StatecheckError:
    text = f"`{top}` holds more than {what}, and none is looked at beyond these"
    return StatecheckError("tree-too-large", text, "name the app's file, or a folder that holds less")


def _skipped(folder: str, name: str) -> bool:
    if name.startswith(".") or name in _SKIPPED or name.endswith(".egg-info"):
        return True
    return exists(Path(folder, name, "pyvenv.cfg"))


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name in ("conftest.py", "setup.py")
