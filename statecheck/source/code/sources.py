"""The user's files as one run reads them: each is opened once, and parsed once if its syntax is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.source.code import reading
from statecheck.source.code.modules import Module

if TYPE_CHECKING:
    import ast
    from pathlib import Path

_CODE = frozenset((".py", ".pyw", ".ipynb", ".js", ".jsx", ".ts", ".tsx", ".mjs", ".html", ".sh", ".http"))


class Sources:
    """What has been read of the user's files. What is changed meanwhile stays as it was first seen."""

    def __init__(self) -> None:
        self._data: dict[Path, bytes | None] = {}
        self._parsed: dict[Path, tuple[str, ast.Module] | StatecheckError] = {}
        self._modules: dict[tuple[Path, str, str], Module] = {}

    def peek(self, path: Path) -> bytes:
        """Return the bytes of a regular file of at most `reading.MAX_BYTES`, or nothing if there is no such file."""
        if path not in self._data:
            try:
                self._data[path] = reading.read_code(path, "")
            except StatecheckError:
                self._data[path] = None
        return self._data[path] or b""

    def say(self, text: str) -> bool:
        """Whether a text stands literally in what has been read of the user's code."""
        wanted = text.encode("utf-8", "surrogateescape")
        read = (data for path, data in self._data.items() if data and path.suffix in _CODE)
        return any(wanted in data for data in read)

    def parse(self, path: Path, shown: str) -> tuple[str, ast.Module]:
        """Return a Python file's text and syntax tree.

        Args:
            path: the file.
            shown: how an error calls it.

        Raises:
            StatecheckError: as `reading.check_name`, `reading.read_bytes`, `reading.decode` and `reading.parse`.
        """
        if path not in self._parsed:
            try:
                self._parsed[path] = self._parse(path, shown)
            except StatecheckError as error:
                self._parsed[path] = error
        known = self._parsed[path]
        if isinstance(known, StatecheckError):
            raise known
        return known

    def module(self, path: Path, name: str, shown: str) -> Module:
        """Return a Python file under the dotted name by which a tree imports it.

        Raises:
            StatecheckError: as `parse`.
        """
        key = (path, name, shown)
        if key not in self._modules:
            text, syntax = self.parse(path, shown)
            self._modules[key] = Module(path, syntax, text, name, shown)
        return self._modules[key]

    def _parse(self, path: Path, shown: str) -> tuple[str, ast.Module]:
        reading.check_name(path, shown)
        data = self._data.get(path)
        if data is None:
            data = self._data[path] = reading.read_code(path, shown)
        text = reading.decode(data, shown)
        return text, reading.parse(text, shown)
