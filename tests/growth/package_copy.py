"""A copy of the package that a test adds something to by text edits, and runs as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
IN_TURN = """\
import contextlib, io, json, sys
from statecheck.__main__ import main

answers = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    answers.append([code, out.getvalue(), err.getvalue()])
json.dump(answers, sys.stdout)
"""


@dataclass(frozen=True)
class Answered:
    """A finished command line."""

    code: int
    out: str
    err: str


class PackageCopy:
    """The package `statecheck` below a folder of its own.

    Args:
        folder: where it is copied to; it must exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "statecheck", folder / "statecheck")  # compiled files too: what is edited is newer

    def write(self, path: str, text: str) -> None:
        """Write a new file, by its path below the package.

        Raises:
            FileExistsError: there is such a file.
        """
        with (self.folder / "statecheck" / path).open("x", encoding="utf-8") as file:
            file.write(text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file of the package."""
        file = self.folder / "statecheck" / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path} has {text.count(old)} of {old!r}"
        file.write_text(text.replace(old, new), "utf-8")

    def changed(self) -> list[str]:
        """Return the files that differ from the package's own, or are new or gone, by their paths below it."""
        mine, originals = self._files(self.folder), self._files(ROOT)
        return sorted(path for path in mine.keys() | originals.keys() if mine.get(path) != originals.get(path))

    def run(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run this copy's interpreter with arguments (`-m statecheck …`, `-c …`), and return what it printed.

        Args:
            cwd: the working directory.
            env: more variables; a `PYTHONPATH` among them comes after the copy's own.
        """
        given = dict(env or {})
        path = os.pathsep.join(filter(None, (str(self.folder), given.pop("PYTHONPATH", ""))))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**os.environ, **given, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, *lines: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> list[Answered]:
        """Run command lines of this copy's `statecheck`, one after the other in one process.

        Args:
            lines: the words of each.
            cwd, env: as of `run`.
        """
        done = self.run("-c", IN_TURN, json.dumps(lines), cwd=cwd, env=env)
        assert done.returncode == 0, done.stderr
        return [Answered(*said) for said in json.loads(done.stdout)]

    @staticmethod
    def _files(folder: Path) -> dict[str, bytes]:
        package = folder / "statecheck"
        return {
            file.relative_to(package).as_posix(): file.read_bytes()
            for file in package.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        }
