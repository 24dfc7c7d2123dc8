"""Whatever comes for an answer, a turn ends in time, and statecheck takes no more of it than it keeps."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import threading
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest

from statecheck.lab.bounds import ENDLESS, KEPT_ANSWER, Unreadable, read_beginning
from statecheck.lab.connections import converse
from statecheck.lab.http_turns import Heard, send
from statecheck.lab.workers.worker import Worker
from statecheck.talk.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[[socket.socket], None]

SECONDS, LONG = 0.5, 60.0
MOST_MEMORY = 100 << 20
PIECE = b"x" * (1 << 16)


class TestBeginning:
    def test_it_is_kept_and_the_rest_is_read(self) -> None:
        pieces = iter([b"begin", PIECE, PIECE])

        assert read_beginning(pieces, "") == (b"begin" + PIECE)[:KEPT_ANSWER]
        assert next(pieces, None) is None

    @pytest.mark.parametrize("coding", ["", "gzip", "deflate", "br"])
    def test_what_has_no_end_is_given_up(self, coding: str) -> None:
        with pytest.raises(Unreadable, match="without end"):
            read_beginning(_endless(coding), coding)

    @pytest.mark.parametrize(
        ("coding", "data"),
        [
            ("gzip", gzip.compress(b"answer")),
            ("GZIP ", gzip.compress(b"answer")),
            ("deflate", zlib.compress(b"answer")),
            ("deflate", zlib.compress(b"answer")[2:-4]),
            ("identity", b"answer"),
            ("br", b"answer"),
        ],
        ids=["gzip", "GZIP", "deflate", "bare deflate", "identity", "unknown"],
    )
    def test_it_is_decoded(self, coding: str, data: bytes) -> None:
        assert read_beginning([data[:3], data[3:]], coding) == b"answer"

    def test_a_bomb_takes_no_memory(self) -> None:
        bomb = gzip.compress(bytes(30 << 20))
        tracemalloc.start()
        try:
            assert read_beginning([bomb], "gzip") == bytes(KEPT_ANSWER)
            assert tracemalloc.get_traced_memory()[1] < 2 << 20
        finally:
            tracemalloc.stop()

    def test_what_is_not_encoded_as_it_says_is_told(self) -> None:
        with pytest.raises(Unreadable, match="is no gzip"):
            read_beginning([b"plain"], "gzip")


def _endless(coding: str) -> Iterator[bytes]:
    if coding == "gzip":
        yield from itertools.repeat(gzip.compress(b""))
    packer = zlib.compressobj()
    while True:
        yield packer.compress(PIECE) if coding == "deflate" else PIECE


@contextlib.contextmanager
def serving(serve: Serve) -> Iterator[Worker]:
    """A worker whose app is this function; each connection is served in a thread until its client is gone."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=listening.accept()[:1], daemon=True).start()

    def answer(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            serve(client)

    threading.Thread(target=accept, daemon=True).start()
    with listening:
        yield Worker(1, "x/1", listening)
        listening.shutdown(socket.SHUT_RDWR)


def _say(*pieces: bytes, pause: float = 0.0) -> Serve:
    """Say something, and the last of it without end."""

    def serve(client: socket.socket) -> None:
        client.recv(1 << 16)
        for piece in itertools.chain(pieces, itertools.repeat(pieces[-1])):
            client.sendall(piece)
            threading.Event().wait(pause)

    return serve


def _hold(client: socket.socket) -> None:
    while client.recv(1 << 16):
        pass


def _redirect(client: socket.socket) -> None:
    client.recv(1 << 16)
    client.sendall(b"HTTP/1.1 303 See\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n")


OK = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"10000\r\n" + PIECE + b"\r\n"
HTTP: dict[str, tuple[Serve, str]] = {
    "says nothing": (_hold, "no answer within 0.5 s"),
    "a status line a letter at a time": (_say(b"H", pause=0.02), "no answer within 0.5 s"),
    "headers a few bytes at a time": (_say(OK, b"a: b\r\n", pause=0.02), "no answer within 0.5 s"),
    "headers without end": (_say(OK, b"a: " + PIECE), "RemoteProtocolError"),
    "a body a byte at a time": (_say(OK + b"\r\n", b"x", pause=0.02), "no end of its answer within 0.5 s"),
    "chunks without end": (_say(OK + b"transfer-encoding: chunked\r\n\r\n", CHUNK), ENDLESS),
    "one body without end": (_say(OK + b"\r\n", PIECE), ENDLESS),
    "a body that is announced and does not come": (
        _say(OK + b"content-length: 9999999999\r\n\r\n", b"", pause=0.1),
        "no end of its answer within 0.5 s",
    ),
    "redirects without end": (_redirect, "it redirects without end: 10 times, then to `/again`"),
}


@pytest.mark.parametrize("kind", HTTP)
def test_an_http_turn_ends(kind: str) -> None:
    serve, error = HTTP[kind]
    # what ends by its number or its size takes its time on a busy machine, and where all memory is counted
    seconds = SECONDS if "within" in error else LONG
    started = time.monotonic()
    with serving(serve) as worker, _memory():
        status, text, said, tokens = send(worker, Request("POST", "/chat"), {}, seconds, lambda *_: None, Heard())

    assert (status, text) == (0, "")
    assert said.startswith(error)
    assert tokens
    assert time.monotonic() - started < LONG / 2


@pytest.mark.parametrize(
    ("head", "body", "known"),
    [
        (b"content-length: 4\r\n", b"kept", True),
        (b"connection: close\r\n", b"kept", True),
        (b"transfer-encoding: chunked\r\n", b"4\r\nkept\r\n0\r\n\r\n", True),
        (b"transfer-encoding: chunked\r\n", b"2\r\nke\r\n2\r\npt\r\n0\r\n\r\n", False),
    ],
    ids=["a length", "none", "one chunk", "two chunks"],
)
def test_an_answer_in_one_piece_has_a_length(head: bytes, body: bytes, known: bool) -> None:
    heard = Heard()

    def serve(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(OK + head + b"\r\n" + body)

    with serving(serve) as worker:
        sent = send(worker, Request("POST", "/chat"), {}, LONG, lambda *_: None, heard)

    assert sent[:3] == (200, "kept", "")
    assert ("content-length" in heard.headers) == known


def _shake(client: socket.socket) -> None:
    """The server's part of a WebSocket's opening."""
    import base64
    import hashlib

    asked = client.recv(1 << 16)
    key = asked.lower().split(b"sec-websocket-key: ")[1]
    key = asked[len(asked) - len(key) :].split(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    head = b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: "
    client.sendall(head + base64.b64encode(digest) + b"\r\n\r\n")


def _speak(*frames: bytes) -> Serve:
    def serve(client: socket.socket) -> None:
        _shake(client)
        for piece in itertools.chain(frames, itertools.repeat(frames[-1])):
            client.sendall(piece)

    return serve


def _frame(head: int, length: int) -> bytes:
    return bytes((head, 127)) + length.to_bytes(8, "big") + PIECE[:length]


WEBSOCKET: dict[str, tuple[Serve, str]] = {
    "no handshake": (_hold, "TimeoutError"),
    "messages without end": (_speak(_frame(0x82, len(PIECE))), ENDLESS),
    "a message of pieces without end": (_speak(_frame(0x02, 1), _frame(0x00, len(PIECE))), ENDLESS),
    "one message without end": (_speak(_frame(0x82, 1 << 40)), ENDLESS),
    "pings without end": (_speak(b"\x89\x64" + PIECE[:100]), "no answer within 0.5 s"),
    "what is no frame": (_speak(PIECE), ""),
}


@pytest.mark.parametrize("kind", WEBSOCKET)
def test_a_websocket_turn_ends(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    serve, error = WEBSOCKET[kind]
    monkeypatch.setattr("statecheck.lab.connections.MOST_TAKEN", 1 << 20)  # soon there, even where memory is counted
    started = time.monotonic()
    with serving(serve) as worker, _memory():
        status, text, said, _ = converse(worker, Request("GET", "/ws"), {}, SECONDS, lambda _: None)

    assert (status, text) == (0, "")
    assert said.startswith(error)
    assert time.monotonic() - started < LONG / 2


@contextlib.contextmanager
def _memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
