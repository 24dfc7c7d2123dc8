"""The two streams: the report on stdout or in a file, everything else on stderr. Imports no Rich."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from statecheck.errors import StatecheckError
from statecheck.kept.store import replace_file
from statecheck.report.text import View, defuse, safe

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[str], None]


def wants_color(choice: str, stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether to colour: the flag, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if stream is None:  # a file: escapes in it would be a surprise
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a command's words go.

    Attributes:
        output: the file that gets the report instead of stdout.
        color: auto, always or never.
        verbosity: less than 0: nothing but the report on stdout and errors.
    """

    output: Path | None = None
    color: str = "auto"
    verbosity: int = 0

    def view(self) -> View:
        """How a report is to look here."""
        stream = None if self.output else sys.stdout
        terminal = stream is not None and stream.isatty()
        width = shutil.get_terminal_size((80, 24)).columns
        return View(max(width, 40), terminal, wants_color(self.color, stream, os.environ), self.verbosity)

    def report(self, text: str) -> None:
        """Write the report, and nothing else, to stdout or whole to the file.

        Raises:
            StatecheckError: the file is a folder or lies in none.
        """
        text = defuse(text)
        if self.output is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        path = self.output.resolve()
        if path.is_dir():
            raise StatecheckError("output-is-folder", f"`{self.output}` is a folder", "name a file in it")
        if not path.parent.is_dir():
            raise StatecheckError("output-folder-missing", f"`{self.output.parent}` is no folder", "make it first")
        data = text.encode("utf-8", "backslashreplace")
        if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
            path.write_bytes(data)
        else:
            replace_file(path, data)
        self.say(f"Wrote {self.output}")

    def say(self, text: str) -> None:
        """Write a line for people, on stderr."""
        if self.verbosity >= 0:
            sys.stderr.write(defuse(f"{safe(text)}\n"))

    def show_log(self, name: str, text: str) -> None:
        """Write the target's own output, on stderr, with nothing in it that a terminal obeys."""
        sys.stderr.write(defuse(f"--- {safe(name)}\n"))
        sys.stderr.writelines(defuse(f"{safe(line)}\n") for line in text.splitlines())

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """One line on stderr that is rewritten in place; nothing where it is no terminal.

        No thread draws it, as Rich's would: statecheck forks, and a fork copies whatever lock a thread holds.
        """
        if self.verbosity < 0 or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield lambda _text: None
            return
        width = shutil.get_terminal_size((80, 24)).columns

        def show(text: str) -> None:
            sys.stderr.write(f"\r\x1b[2K{safe(text, width - 1)[: width - 1]}")
            sys.stderr.flush()

        try:
            yield show
        finally:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
