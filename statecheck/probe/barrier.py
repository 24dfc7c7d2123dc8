"""Holding overlapping turns at the model, so that a race that is possible happens.

Each turn that arrives is told to the lab, which alone knows all workers and decides when to let go; the barrier
opens for good then. A turn that blocks its event loop holds up the others: that too is how the app behaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from .recorder import TURN

if TYPE_CHECKING:
    from collections.abc import Callable


class Barrier:
    """Open until `close`; then holds each turn once, at its first model call (or first read)."""

    def __init__(self) -> None:
        self.arrived: Callable[[int], None] = lambda _turn: None
        self.at_reads = False
        self._opened = threading.Event()
        self._opened.set()
        self._held: set[int] = set()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._lock = threading.Lock()

    def close(self, *, at_reads: bool) -> None:
        """Hold what arrives from now on: at the first recorded read where turns call no model."""
        self.at_reads = at_reads
        self._held.clear()
        self._opened.clear()

    def open(self) -> None:
        """Let everything go, for good."""
        with self._lock:
            self._opened.set()
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            with contextlib.suppress(RuntimeError):  # a loop that is closed by now has nobody waiting
                loop.call_soon_threadsafe(_finish, future)

    def _arrive(self) -> bool:
        turn = TURN.get()
        with self._lock:
            if self._opened.is_set() or not turn or turn in self._held:
                return False
            self._held.add(turn)
        self.arrived(turn)
        return True

    def hold(self) -> None:
        """Block this thread until the barrier is open."""
        if self._arrive():
            self._opened.wait()

    async def ahold(self) -> None:
        """Wait, with the event loop running, until the barrier is open."""
        if not self._arrive():
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._opened.is_set():
                return
            self._waiting.append((loop, future))
        await future

    def hold_read(self) -> None:
        """After a recorded read: hold, if that is where this app's turns are held."""
        if self.at_reads:
            self.hold()

    async def ahold_read(self) -> None:
        """As `hold_read`, with the event loop running."""
        if self.at_reads:
            await self.ahold()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


BARRIER = Barrier()
