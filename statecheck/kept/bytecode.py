"""Compiled code of packages that a target's environment has without `.pyc` files, kept from run to run.

One archive for an interpreter, in `<project>/.statecheck/cache/`; `statecheck.probe.bytecode` reads and makes it.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from typing import TYPE_CHECKING

from statecheck.kept import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_ARCHIVES = 3


def archive_path(project: Path, python: str) -> Path:
    """Where the archive for this interpreter is kept."""
    return project / FOLDER / "cache" / f"bytecode-{zlib.crc32(os.fsencode(python)):08x}"


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[tuple[int, ...]]:
    """A descriptor of an archive, or none if there is no such file."""
    try:
        if path is None:
            raise FileNotFoundError
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield ()
        return
    try:
        yield (descriptor,)
    finally:
        os.close(descriptor)


def keep(path: Path, archive: bytes) -> None:
    """Put an archive in its place, and remove the oldest of too many; where nothing can be written, nothing is kept."""
    from statecheck.kept.store import prepare, replace_file  # late: most runs only look for an archive

    folder = path.parent
    with contextlib.suppress(OSError):
        prepare(folder.parent)
        if not folder.is_symlink():
            folder.mkdir(exist_ok=True)
            replace_file(path, archive)
            others = sorted(folder.glob("bytecode-*"), key=lambda file: file.stat().st_mtime)
            for old in others[:-_MOST_ARCHIVES]:
                old.unlink()
