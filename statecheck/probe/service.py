"""Serves one target in a worker, from the making of what is driven until it is killed, and tells the lab what fails."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from . import system
from .absent_indexes import list_missed
from .channel import Closed
from .commands import obey
from .guard import REFUSED
from .lent_packages import lend
from .offline import chain, is_offline, is_unreachable
from .recorder import RECORDER
from .turns import show
from .workflow_servers import age_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .adapters.offer import Loaded
    from .channel import Channel, Message

SOCKET = socket.socket  # as it is before the app may replace it


class Service:
    """Serves one target in this process until killed, and tells the lab when it cannot."""

    def __init__(self, message: Message, channel: Channel, listening: list[int]) -> None:
        self._message = message
        self._channel = channel
        self._listening = listening

    def take(self, make: Callable[[], Loaded]) -> None:
        """Serve what this makes; returns only where that fails."""
        with self.told("import"):
            target = make()
            with self.told("start"):
                target.serve(self._open(target), self._channel)

    async def atake(self, make: Callable[[], Loaded]) -> None:
        """Serve what this makes on the loop that runs; returns only where that fails."""
        with self.told("import"):
            target = make()
            with self.told("start"):
                await _serve_on_loop(target, self._open(target), self._channel)

    @contextlib.contextmanager
    def told(self, when: str) -> Iterator[None]:
        """Tell the lab what goes wrong in here."""
        try:
            yield
        except Closed:
            return
        except BaseException as error:  # noqa: BLE001 - user code: SystemExit and KeyboardInterrupt are reports too
            show(error)
            self._channel.send({"failed": when, **describe(error)})

    def _open(self, target: Loaded) -> socket.socket | None:
        """Begin to obey the lab; the socket on which it serves, where it has one."""
        threading.Thread(target=obey, args=(self._channel, target), daemon=True, name="statecheck").start()
        sock = SOCKET(fileno=self._listening[0]) if self._listening else None
        if sock is not None:
            system.LISTENING.add(sock.getsockname()[1])
        lend(self._message["lent"])
        age_runs(self._message["later"])
        return sock


async def _serve_on_loop(target: Any, sock: socket.socket | None, channel: Channel) -> None:
    """Serve a target on the loop that runs; one that needs a loop of its own, beside it."""
    if hasattr(target, "aserve"):
        await target.aserve(sock, channel)
    else:
        raised: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def serve() -> None:
            try:
                target.serve(sock, channel)
            except BaseException as error:  # noqa: BLE001 - handed over
                raised.get_loop().call_soon_threadsafe(raised.set_exception, error)

        threading.Thread(target=contextvars.copy_context().run, args=(serve,), daemon=True).start()
        await raised


def describe(error: BaseException) -> dict[str, Any]:
    """What the lab is told of an exception."""
    where = next(
        (f for f in reversed(traceback.extract_tb(error.__traceback__)) if RECORDER.relative(f.filename)), None
    )
    return {
        "error": f"{type(error).__name__}: {error}{_describe_context(error)}"[:2000],
        "missing": error.name if isinstance(error, ModuleNotFoundError) and error.name else "",
        "python": sys.executable,
        "refused": _find_refused(error),
        "missed": list_missed(error),
        "at": [RECORDER.relative(where.filename), where.lineno] if where else [],
    }


def _find_refused(error: BaseException) -> list[Any]:
    """The blocked address (and the line that asked for it) that an exception comes of; [] where it has another cause.

    An app may have asked for an address and dealt with the refusal long before: the line must have led to the
    exception, or the exception be one of a connection.
    """
    if not REFUSED or not is_offline(error):
        return []
    passed = {
        (RECORDER.relative(frame.filename), frame.lineno)
        for one in chain(error)
        for frame in traceback.extract_tb(one.__traceback__)
    }
    through = [refused for refused in REFUSED if refused[1:] in passed]
    return list(through[-1] if through else REFUSED[-1]) if through or is_unreachable(error) else []


def _describe_context(error: BaseException) -> str:
    """What went wrong first, where the app's own handling of it failed too."""
    first = error
    while first.__context__ is not None and not first.__suppress_context__:
        first = first.__context__
    where = traceback.extract_tb(first.__traceback__)
    if first is error or not str(first) or not any(RECORDER.relative(frame.filename) for frame in where):
        return ""  # a library's own, which it has dealt with
    return f" (while handling {type(first).__name__}: {first})"
