"""A turn at a WebSocket endpoint: one connection, one message, and what the app says until it listens again."""

from __future__ import annotations

import json
import logging
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from statecheck.lab.bounds import ENDLESS, KEPT_ANSWER, MOST_TAKEN, Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.sync.client import ClientConnection

    from statecheck.lab.workers.worker import Worker
    from statecheck.talk.requests import Request

_HOST = "127.0.0.1"
_TOO_BIG = 1009  # and with which we close it at a message that is longer than is read
_CLOSE_SECONDS = 5.0  # for the farewell of an app that has answered
_WENT_WELL = (1000, 1001, 1005)  # codes with which a connection is closed when nothing is wrong
_BROKE = (1006, 1011)  # and when the app raised an exception


@dataclass
class Connection:
    """A WebSocket connection to a worker, which may stay open from one turn to the next.

    Attributes:
        token: the number under which the worker knows it.
        listened: how often the app has asked for a message when it had answered the last one.
    """

    socket: ClientConnection
    token: int
    listened: int = 1

    def close(self) -> None:
        """Say farewell; the app's call may go on for a while."""
        with suppress(OSError, EOFError):
            self.socket.close()


def converse(
    worker: Worker,
    request: Request,
    headers: dict[str, str],
    seconds: float,
    invoked: Callable[[int], None],
    line: Connection | None = None,
    leave: Callable[[Connection], None] | None = None,
) -> tuple[int, str, str, list[int]]:
    """Connect, send the message and take the answer: (status, text, error, tokens) as of a request.

    The worker tells when the app listens for a message: what it says before the first is a greeting, what it says
    between it and the next is the answer, in however many pieces.

    Args:
        line: a connection that was left open, to send the message on; None for a new one.
        leave: takes the connection, which is left open then; None to close it.
    """
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
    from websockets.protocol import State

    until = time.monotonic() + seconds
    tokens = [line.token] if line is not None else []
    try:
        with Deadline(seconds + _CLOSE_SECONDS) as deadline:
            if line is None:
                sock = _reach(worker, seconds)
                tokens = [sock.getsockname()[1]]
                invoked(tokens[0])
                line = Connection(_connect(sock, request, headers, seconds), tokens[0])
            else:
                invoked(line.token)
            connection, token = line.socket, line.token
            deadline.watch(connection.socket)
            try:
                _listens(worker, token, line.listened, until - time.monotonic())
                _said(connection, until)
                with suppress(ConnectionClosed):
                    connection.send(request.body if isinstance(request.body, str) else json.dumps(request.body))
                line.listened += 1
                in_time = _listens(worker, token, line.listened, until - time.monotonic())
                pieces = _said(connection, until)
                if in_time and not pieces:  # it listens in one task and answers in another
                    pieces = _said(connection, until, at_least=1)
                answered = bool(pieces) or token in worker.done  # closing it ends the app's call too: no answer
                ours = connection.protocol.close_sent
                endless = (ours is not None and ours.code == _TOO_BIG) or getattr(connection, "endless", False)
            finally:
                stays = leave is not None and connection.protocol.state is State.OPEN
                if leave is not None and stays:
                    leave(line)
                else:
                    line.close()
    except InvalidStatus as answer:
        return answer.response.status_code, (answer.response.body or b"").decode("utf-8", "replace"), "", tokens
    except (InvalidHandshake, OSError, EOFError) as error:
        gone = worker.fate if worker.wait(lambda: worker.dead, 1) and worker.dead else ""
        return 0, "", gone or f"{type(error).__name__}: {error}", tokens
    if endless:
        return 0, "", ENDLESS, tokens
    if not in_time and not answered:
        return 0, "", f"no answer within {seconds:g} s", tokens
    if deadline.passed:
        return 0, "", f"no end of its answer within {seconds:g} s", tokens
    code, text = connection.close_code, "\n".join(pieces)[:KEPT_ANSWER]
    if stays or code in _WENT_WELL:
        return (200, text, "", tokens) if answered else (0, "", f"no answer within {seconds:g} s", tokens)
    return 500 if code in _BROKE else 400, f"(closed with {code} {connection.close_reason}) {text}", "", tokens


def _reach(worker: Worker, seconds: float) -> socket.socket:
    assert worker.listening is not None
    return socket.create_connection((_HOST, worker.listening.getsockname()[1]), timeout=seconds)


def _connect(sock: socket.socket, request: Request, headers: dict[str, str], seconds: float) -> ClientConnection:
    """Make a WebSocket connection of one that is open.

    Raises:
        InvalidHandshake: it is refused.
    """
    from websockets.sync.client import connect

    connecting = connect(
        f"ws://{_HOST}:{sock.getpeername()[1]}{request.target}",
        sock=sock,
        additional_headers=headers,
        open_timeout=seconds,
        close_timeout=min(seconds, _CLOSE_SECONDS),
        ping_interval=None,
        compression=None,
        max_size=MOST_TAKEN,
        max_queue=None,
        proxy=None,
        logger=_silent(),
        create_connection=_counting(),
    )
    return ExitStack().enter_context(connecting)  # it may stay open: `Connection.close` ends it


def _listens(worker: Worker, token: int, times: int, seconds: float) -> bool:
    """Wait until the app has asked this often for a message of the connection, or is done with it."""
    return worker.wait(lambda: worker.listens.get(token, 0) >= times or token in worker.done, seconds)


def _said(connection: ClientConnection, until: float, at_least: int = 0) -> list[str]:
    """What the app has said so far: all that was sent before the answer to a ping."""
    from websockets.exceptions import ConnectionClosed

    pieces: list[str] = []
    with suppress(ConnectionClosed, TimeoutError):
        connection.ping(ack_on_close=True).wait(max(until - time.monotonic(), 0))
    with suppress(ConnectionClosed, TimeoutError):
        while True:
            said = connection.recv(max(until - time.monotonic(), 0) if len(pieces) < at_least else 0)
            pieces.append(said if isinstance(said, str) else said.decode("utf-8", "replace"))
    return pieces


@cache
def _silent() -> logging.Logger:
    """A logger that says nothing: what an app sends that is no WebSocket is told with its turn."""
    logger = logging.getLogger("statecheck.websockets")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


@cache
def _counting() -> type[ClientConnection]:
    """The class of a connection on which no more is taken than of any other answer.

    Nobody reads while the app speaks, for it is the app that tells when it has ended; so what comes is kept by the
    connection, and a queue of a fixed length would only stop an app that says much before it listens again.
    """
    from websockets.frames import Frame
    from websockets.sync.client import ClientConnection

    class Counting(ClientConnection):
        """A connection that is cut when too much was sent on it."""

        taken = 0
        endless = False

        def process_event(self, event: Any) -> None:
            if isinstance(event, Frame):
                self.taken += len(event.data)
            if self.taken <= MOST_TAKEN:
                super().process_event(event)
            elif not self.endless:
                self.endless = True
                with suppress(OSError):
                    self.socket.shutdown(socket.SHUT_RDWR)

    return Counting
