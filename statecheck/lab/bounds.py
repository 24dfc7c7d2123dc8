"""What a turn may cost: a deadline, after which its connection is cut, and a number of bytes that are read.

An app may answer without end, a byte a second, or with a few kilobytes that are decoded to gigabytes. None of it may
cost more time than a turn has, nor more memory than the beginning of an answer that is kept.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Self

KEPT_ANSWER = 20_000
"""Bytes of an answer that are kept."""

MOST_TAKEN = 32 << 20
"""Bytes that are read of an answer, decoded: one that is longer is taken for one that never ends."""

ENDLESS = f"it answers without end: {MOST_TAKEN >> 20} MiB were read"

_PIECE = 1 << 16
_ZLIB = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

CODINGS = "gzip, deflate"
"""Content codings that can be decoded piece by piece with the standard library: no others are asked for."""


_IMPORTS = 5


def longest_import(seconds: float) -> float:
    """Until when imports may go on of which each takes less than so many seconds: torch needs minutes at first."""
    return seconds * _IMPORTS


class Unreadable(Exception):
    """An answer cannot be read to its end: it is longer than is read, or not encoded as it says."""


class Deadline:
    """Cuts connections when the time of a turn is up, whatever is being waited for on them.

    A limit for each read would not do: headers that come a byte a second never let one pass.

    Attributes:
        passed: the time was up before this was left.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def watch(self, sock: socket.socket) -> None:
        """Cut this connection too when the time is up."""
        with self._lock:
            self._watched.append(sock)
            passed = self.passed
        if passed:
            _shut(sock)

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            watched = list(self._watched)
        for sock in watched:
            _shut(sock)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be closed already
        sock.shutdown(socket.SHUT_RDWR)


def read_beginning(raw: Iterable[bytes], coding: str) -> bytes:
    """Read a body to its end and return its beginning, decoded.

    Args:
        raw: the body's pieces as they are sent.
        coding: how it says that it is encoded; what is no `CODINGS` is taken as it is.

    Raises:
        Unreadable: it is longer than is read, as it is sent or decoded, or not encoded as it says.
    """
    beginning = bytearray()
    for piece in _limit(_decode(_limit(raw), coding.strip().lower())):
        beginning += piece[: KEPT_ANSWER - len(beginning)]
    return bytes(beginning)


def _limit(pieces: Iterable[bytes]) -> Iterator[bytes]:
    taken = 0
    for piece in pieces:
        taken += len(piece)
        if taken > MOST_TAKEN:
            raise Unreadable(ENDLESS)
        yield piece


def _decode(raw: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Yield a body's bytes, no more at once than a piece: what is small when sent may be of any size when decoded."""
    bits = _ZLIB.get(coding)
    if bits is None:
        yield from raw
        return
    decoder = zlib.decompressobj(bits)
    begun = False
    for sent in raw:
        rest = sent
        while rest and not decoder.eof:
            try:
                yield decoder.decompress(rest, _PIECE)
            except zlib.error as error:
                if begun or bits != zlib.MAX_WBITS:
                    raise Unreadable(f"its answer is no {coding}: {error}") from error
                bits = -zlib.MAX_WBITS  # without a head, as some servers understand `deflate`
                decoder = zlib.decompressobj(bits)
                continue
            begun, rest = True, decoder.unconsumed_tail
    yield decoder.flush()
