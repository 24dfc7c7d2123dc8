"""Compiled code of installed packages that lie there without `.pyc` files, as uv leaves them unless it is asked.

The warm parent writes nothing beside them, so it would compile them all again in every run: 5 s for LlamaIndex.
Instead the lab keeps one archive for an interpreter. A module's code is found in it by its path and by a hash of its
very source, the one that Python's own hash-based `.pyc` files have (PEP 552): an edit is never missed.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import zlib
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

_compile = SourceFileLoader.source_to_code
_FAST = 1  # zlib's level: a third of the size for a tenth of the time that compiling takes
_MOST_BYTES = 64_000_000


class Bytecode:
    """What was compiled, now and in earlier runs: {path: (hash of its source, its code as marshal and zlib pack it)}.

    Attributes:
        compiled: how many modules had to be compiled since.
        used: the paths of all that was asked for and is known by now.
    """

    def __init__(self, archive: bytes = b"") -> None:
        """Take what an archive holds.

        Args:
            archive: from `archive()`; one that is cut, damaged or of another Python holds nothing.
        """
        self._known = _unpack(archive)
        self.used: set[str] = set()
        self.compiled = 0

    def install(self) -> None:
        """From now on ask here before a module's source is compiled. Where a valid `.pyc` lies, nobody asks."""

        def source_to_code(loader: SourceFileLoader, data: Any, path: Any, **options: Any) -> CodeType:
            if options or not isinstance(data, bytes) or not isinstance(path, str):
                return _compile(loader, data, path, **options)
            found = self._find(data, path)
            if found is None:
                found = _compile(loader, data, path)
                self._add(data, path, found)
            return found

        SourceFileLoader.source_to_code = source_to_code  # type: ignore[method-assign, assignment]

    @staticmethod
    def uninstall() -> None:
        """Compile as Python does again: what comes now is the user's own."""
        SourceFileLoader.source_to_code = _compile  # type: ignore[method-assign]

    def archive(self) -> bytes:
        """All that is known; of more than 64 MB only what was used."""
        kept = self._known
        if sum(len(packed) for _, packed in kept.values()) > _MOST_BYTES:
            kept = {path: kept[path] for path in self.used}
        packed = marshal.dumps(kept)
        return _head() + zlib.crc32(packed).to_bytes(4, "little") + packed

    def _find(self, data: bytes, path: str) -> CodeType | None:
        known = self._known.get(path)
        if known is None or known[0] != importlib.util.source_hash(data):
            return None
        self.used.add(path)
        code: CodeType = marshal.loads(zlib.decompress(known[1]))  # noqa: S302 - our own, behind a checksum
        return code

    def _add(self, data: bytes, path: str, code: CodeType) -> None:
        self.compiled += 1
        self.used.add(path)
        self._known[path] = (importlib.util.source_hash(data), zlib.compress(marshal.dumps(code), _FAST))


def _head() -> bytes:
    """The Python that an archive is for: the magic number of its bytecode, and how far it optimises."""
    return b"statecheck bytecode 1 " + importlib.util.MAGIC_NUMBER + bytes([sys.flags.optimize])


def _unpack(archive: bytes) -> dict[str, tuple[bytes, bytes]]:
    head = _head()
    checksum, packed = archive[len(head) : len(head) + 4], archive[len(head) + 4 :]
    if not archive.startswith(head) or zlib.crc32(packed).to_bytes(4, "little") != checksum:
        return {}
    known: dict[str, tuple[bytes, bytes]] = marshal.loads(packed)  # noqa: S302 - as above
    return known


def content(fd: int) -> bytes:
    """All of an archive's file, from its start, whose descriptor is closed: no worker may inherit it."""
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read()
