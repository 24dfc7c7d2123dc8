"""A turn at a WebSocket endpoint: one connection, one message, and what the app says until it listens again."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.sync.client import ClientConnection

    from statecheck.lab.workers.worker import Worker
    from statecheck.talk.plan import Request

_HOST = "127.0.0.1"
_WENT_WELL = (1000, 1001, 1005)  # codes with which a connection is closed when nothing is wrong
_BROKE = (1006, 1011)  # and when the app raised an exception


def converse(
    worker: Worker, request: Request, headers: dict[str, str], seconds: float, invoked: Callable[[int], None]
) -> tuple[int, str, str, list[int]]:
    """Connect, send the message and take the answer: (status, text, error, tokens) as of a request.

    The worker tells when the app listens for a message: what it says before the first is a greeting, what it says
    between it and the next is the answer, in however many pieces.
    """
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect

    assert worker.listening is not None
    port = worker.listening.getsockname()[1]
    sock = socket.create_connection((_HOST, port), timeout=seconds)
    token: int = sock.getsockname()[1]
    invoked(token)
    try:
        with connect(
            f"ws://{_HOST}:{port}{request.target}",
            sock=sock,
            additional_headers=headers,
            open_timeout=seconds,
            close_timeout=seconds,
            ping_interval=None,
            compression=None,
            max_size=None,
            max_queue=None,
            proxy=None,
        ) as connection:
            _listens(worker, token, 1, seconds)
            _said(connection, seconds)
            with suppress(ConnectionClosed):
                connection.send(request.body if isinstance(request.body, str) else json.dumps(request.body))
            in_time = _listens(worker, token, 2, seconds)
            pieces = _said(connection, seconds)
            if in_time and not pieces:  # it listens in one task and answers in another
                pieces = _said(connection, seconds, at_least=1)
            answered = bool(pieces) or token in worker.done  # closing it ends the app's call too, and is no answer
    except InvalidStatus as refused:
        return refused.response.status_code, (refused.response.body or b"").decode("utf-8", "replace"), "", [token]
    except (InvalidHandshake, OSError, EOFError) as error:
        gone = "the worker died while it answered" if worker.wait(lambda: worker.dead, 1) and worker.dead else ""
        return 0, "", gone or f"{type(error).__name__}: {error}", [token]
    code, text = connection.close_code, "\n".join(pieces)
    if code in _WENT_WELL:
        return (200, text, "", [token]) if answered else (0, "", f"no answer within {seconds:g} s", [token])
    return 500 if code in _BROKE else 400, f"(closed with {code} {connection.close_reason}) {text}", "", [token]


def _listens(worker: Worker, token: int, times: int, seconds: float) -> bool:
    """Wait until the app has asked this often for a message of the connection, or is done with it."""
    return worker.wait(lambda: worker.listens.get(token, 0) >= times or token in worker.done, seconds)


def _said(connection: ClientConnection, seconds: float, at_least: int = 0) -> list[str]:
    """What the app has said so far: all that was sent before the answer to a ping."""
    from websockets.exceptions import ConnectionClosed

    pieces: list[str] = []
    with suppress(ConnectionClosed, TimeoutError):
        connection.ping(ack_on_close=True).wait(seconds)
    with suppress(ConnectionClosed, TimeoutError):
        while True:
            said = connection.recv(seconds if len(pieces) < at_least else 0)
            pieces.append(said if isinstance(said, str) else said.decode("utf-8", "replace"))
    return pieces
