"""Holding overlapping turns at the model, so that a race that is possible happens.

Each turn that arrives is told to the lab, which alone knows all workers and decides when to let go: as far as the next
model call, or for good. A turn that blocks its event loop holds up the others: that too is how the app behaves.
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
    """Open until `close`; then holds each turn once in a round, at its next model call (or at its first read)."""

    def __init__(self) -> None:
        self.arrived: Callable[[int], None] = lambda _turn: None
        self.at_reads = False
        self._open = True
        self._gate = threading.Event()  # of this round
        self._held: set[int] = set()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._lock = threading.Lock()

    def close(self, *, at_reads: bool) -> None:
        """Hold what arrives from now on: at the first recorded read where turns call no model."""
        with self._lock:
            self.at_reads = at_reads
            self._held.clear()
            self._gate = threading.Event()
            self._open = False

    def open(self) -> None:
        """Let everything go, for good."""
        self._release(then_open=True)

    def begin_round(self) -> None:
        """Let everything go as far as its next model call: a turn may ask a guard or a router first."""
        self._release(then_open=False)

    def _release(self, *, then_open: bool) -> None:
        with self._lock:
            self._open = then_open
            gate, self._gate = self._gate, threading.Event()
            self._held.clear()
            waiting, self._waiting = self._waiting, []
            gate.set()
        for loop, future in waiting:
            with contextlib.suppress(RuntimeError):  # a loop that is closed by now has nobody waiting
                loop.call_soon_threadsafe(_finish, future)

    def _arrive(self) -> threading.Event | None:
        """Return the gate that this turn has to wait at, or None."""
        turn = TURN.get()
        with self._lock:
            if self._open or not turn or turn in self._held:
                return None
            self._held.add(turn)
            gate = self._gate
        self.arrived(turn)
        return gate

    def hold(self) -> None:
        """Block this thread until its round is over."""
        gate = self._arrive()
        if gate is not None:
            gate.wait()

    async def ahold(self) -> None:
        """Wait, with the event loop running, until the round is over."""
        gate = self._arrive()
        if gate is None:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if gate.is_set():
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
