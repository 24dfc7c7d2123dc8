"""Files of the user's that the target does not see as they are: `.env` with dummies for its secrets."""

from __future__ import annotations

import contextlib
import os

from . import mounts


class Masks:
    """What stands in for files of the user's.

    Args:
        folder: from where they are mounted over them; "" where the target has a copy of the project.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._texts: dict[str, str] = {}

    def take(self, texts: dict[str, str]) -> None:
        """Use these, here and on every disk from now on: {path: what the target reads there}."""
        self._texts = texts
        if self._folder and texts:
            os.makedirs(self._folder, 0o755, exist_ok=True)
            for number, text in enumerate(texts.values()):
                _write(f"{self._folder}/{number}", text)
            self.mount()

    def mount(self, root: str = "") -> None:
        """Put each over its file, in this mount namespace: the file itself is never written to.

        Args:
            root: of the disk, where it is not that of this namespace yet.
        """
        for number, path in enumerate(self._texts):
            with contextlib.suppress(OSError):  # it is gone, or is one that is not to be mounted over
                mounts.bind(f"{self._folder}/{number}", root + path)

    def copy(self, project: str, place: str) -> None:
        """Write those of a project into its copy."""
        for path, text in self._texts.items():
            if path.startswith(f"{project}/"):
                here = place + path[len(project) :]
                with contextlib.suppress(OSError):
                    os.unlink(here)  # it may be a link, which leads to the file itself
                    _write(here, text)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
