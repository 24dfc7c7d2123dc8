"""What of the user's files the target does not see as it is: credentials, for which dummies or nothing stand."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from . import mounts


class Mask(NamedTuple):
    """What stands for a file.

    Attributes:
        text: what the target reads there.
        device: of the folder that the file lies in, where it is the machine's own and no layer.
        changed: when the file was last changed, in nanoseconds.
    """

    text: str
    device: int
    changed: int


class Masks:
    """What stands in for files and folders of the user's.

    Args:
        folder: where to keep what is mounted over them; "" where the target has a copy of the project.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._files: dict[str, Mask] = {}
        self._emptied: list[str] = []

    def take(self, files: dict[str, list[object]], emptied: list[str]) -> None:
        """Use these too, here and on every disk from now on.

        Args:
            files: {path: what a `Mask` has}.
            emptied: folders that the target finds empty.
        """
        new = {path: Mask(*mask) for path, mask in files.items()}  # type: ignore[arg-type]  # as it comes from JSON
        self._files.update(new)
        self._emptied += emptied
        if self._folder:
            _put(self._folder, new, emptied)

    def mount(self, root: str = "") -> None:
        """Put each in its place, in this mount namespace: the file itself is never written to.

        Args:
            root: of the disk, where it is not that of this namespace yet.
        """
        _put(self._folder, self._files, self._emptied, root)

    def hidden(self) -> list[str]:
        """All that the target may not see as it is."""
        return [*self._files, *self._emptied]

    def copy(self, project: str, place: str) -> None:
        """Write those of a project into its copy."""
        for path, mask in self._files.items():
            if path.startswith(f"{project}/"):
                here = place + path[len(project) :]
                with contextlib.suppress(OSError):  # its folder was not copied
                    with contextlib.suppress(FileNotFoundError):  # it may not even be read here
                        os.unlink(here)  # it may be a link, which leads to the file itself
                    _write(here, mask.text)


def _put(folder: str, files: dict[str, Mask], emptied: list[str], root: str = "") -> None:
    for path in emptied:
        with contextlib.suppress(OSError):  # it is gone
            mounts.cover(root + path)
    for path, mask in files.items():
        with contextlib.suppress(OSError):  # it is gone, or is one that is not to be mounted over
            _put_file(folder, root + os.path.realpath(path), mask)


def _put_file(folder: str, path: str, mask: Mask) -> None:
    """Write it on the disk's own layer, where the app may do with it what it would with its own; else mount it."""
    if os.stat(path).st_mtime_ns != mask.changed:  # on a volume: it stands there already, or is the app's by now
        return
    if os.stat(os.path.dirname(path)).st_dev != mask.device:
        with contextlib.suppress(OSError):  # a layer cannot hold a file of a user who is unknown in the namespace
            _write(path, mask.text)
            return
    os.makedirs(folder, 0o755, exist_ok=True)
    source = f"{folder}/{abs(hash((path, mask)))}"
    _write(source, mask.text)
    mounts.bind(source, path)
    mounts.make_read_only(path)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
