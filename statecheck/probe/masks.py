"""Files of the user's that the target does not see as they are: `.env` with dummies for its secrets."""

from __future__ import annotations

import contextlib
import os

from . import mounts


class Masks:
    """What stands in for files of the user's.

    Args:
        texts: {path: what the target reads there}.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._files: dict[str, str] = {}

    def write(self, folder: str) -> None:
        """Write them down in a folder of their own, from where they can be mounted."""
        os.mkdir(folder, 0o755)
        for number, (path, text) in enumerate(self._texts.items()):
            self._files[path] = f"{folder}/{number}"
            _write(self._files[path], text)

    def mount(self) -> None:
        """Put each over its file, in this mount namespace: the file itself is never written to."""
        for path, file in self._files.items():
            with contextlib.suppress(OSError):  # it is gone, or is one that is not to be mounted over
                mounts.bind(file, path)

    def copy(self, project: str, place: str) -> None:
        """Write those of a project into its copy."""
        for path, text in self._texts.items():
            if path.startswith(f"{project}/"):
                here = place + path[len(project) :]
                with contextlib.suppress(OSError):
                    os.unlink(here)  # it may be a link, which leads to the file itself
                    _write(here, text)


def _write(path: str, text: str) -> None:
    with open(path, "x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
