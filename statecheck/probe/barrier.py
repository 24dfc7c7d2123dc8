"""Holding overlapping turns where another may get in between, so that a race that is possible happens.

That is at the model, which takes its time, and between the last read and the first write of what lies outside the
process: a file, rows, a key. Each turn that arrives is told to the lab, which alone knows all workers and decides when
to let go: as far as the next such place, or for good. A turn that blocks its event loop holds up the others: that too
is how the app behaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Literal

from .recorder import TURN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Place = Literal["model", "read", "write"]
"""At what a turn is held: its model call, after what it reads, or before what it writes."""

States = Literal["", "written", "used"]
"""Which uses of state outside the process hold: none, writes to what a turn has used before, or what it reads too."""


class Barrier:
    """Open until `close`; then holds each turn once in a round, at the next place that it comes to.

    Attributes:
        arrived: told of each turn that is held, and of the place.
        at_reads: turns are held after their first read of a memory or a store of the library's.
        at_states: they are held after their first read of each state outside the process.
    """

    def __init__(self) -> None:
        self.arrived: Callable[[int, Place], None] = lambda _turn, _place: None
        self.at_reads = False
        self.at_states = False
        self._alone = True
        self._open = True
        self._models_only = False
        self._gates: dict[int, threading.Event] = {}  # turn -> what holds it in its round
        self._used: dict[int, set[str]] = {}  # turn -> what it has read or written, by the names of these states
        self._read: set[int] = set()  # those that have been held after a read of the library's
        self._after: dict[int, set[str]] = {}  # turn -> the states after whose read it has been held
        self._stopped = False
        self._waiting: list[tuple[threading.Event, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._lock = threading.Lock()

    def close(self, *, at_reads: bool, states: States = "", alone: bool = True) -> None:
        """Hold what arrives from now on, at model calls at least.

        Args:
            at_reads: also at the first recorded read, where turns call no model.
            states: at which uses of state outside the process.
            alone: no other process serves turns that overlap these.
        """
        with self._lock:
            self.at_reads, self.at_states, self._alone = at_reads, states == "used", alone
            self._models_only, self._stopped = not states, False
            self._used.clear()
            self._read.clear()
            self._after.clear()
            self._gates.clear()
            self._open = False

    @property
    def is_open(self) -> bool:
        """Whether nothing is held."""
        return self._open

    def open(self) -> None:
        """Let everything go, for good."""
        self._release(then_open=True)

    def begin_round(self, turn: int = 0, *, models_only: bool = False) -> None:
        """Let everything go as far as the next place: a turn may ask a guard or a router first.

        Args:
            turn: the only one that is let go; 0: all are.
            models_only: from now on model calls alone hold: the app lets turns to its state one by one.
        """
        self._models_only = self._models_only or models_only
        self._release(turn)

    def _release(self, turn: int = 0, *, then_open: bool = False) -> None:
        with self._lock:
            self._open = self._open or then_open
            let_go = [each for each in self._gates if turn in (0, each)]
            gates = {self._gates.pop(each) for each in let_go}
            for gate in gates:
                gate.set()
            freed = [(loop, future) for gate, loop, future in self._waiting if gate in gates]
            self._waiting = [each for each in self._waiting if each[0] not in gates]
        for loop, future in freed:
            with contextlib.suppress(RuntimeError):  # a loop that is closed by now has nobody waiting
                loop.call_soon_threadsafe(_finish, future)

    def _arrive(self, place: Place = "model") -> threading.Event | None:
        """Return the gate that this turn has to wait at, or None."""
        turn = TURN.get()
        with self._lock:
            if self._open or not turn or turn in self._gates or (self._models_only and place == "write"):
                return None
            gate = self._gates[turn] = threading.Event()
        self.arrived(turn, place)
        return gate

    def hold(self) -> None:
        """Block this thread until its round is over."""
        _wait(self._arrive())

    async def ahold(self) -> None:
        """Wait, with the event loop running, until the round is over."""
        await self._await(self._arrive())

    async def _await(self, gate: threading.Event | None) -> None:
        if gate is None:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if gate.is_set():
                return
            self._waiting.append((gate, loop, future))
        await future

    def _arrive_reading(self) -> threading.Event | None:
        turn = TURN.get()
        if not self.at_reads or turn in self._read:
            return None
        self._read.add(turn)
        return self._arrive("read")

    def hold_read(self) -> None:
        """After a recorded read: hold, if that is where this app's turns are held."""
        _wait(self._arrive_reading())

    async def ahold_read(self) -> None:
        """As `hold_read`, with the event loop running."""
        await self._await(self._arrive_reading())

    def _use(self, states: Iterable[str]) -> bool:
        """Note that this turn uses these states; whether it has used one of them before."""
        turn = TURN.get()
        if self._open or not turn:
            return False
        with self._lock:
            used = self._used.setdefault(turn, set())
            known = bool(used.intersection(states))
            used.update(states)
        return known

    def _is_new(self, states: Iterable[str]) -> bool:
        """Whether turns are held after they read, and this one has not been after reading these states."""
        self._use(states)
        if self._open or self._models_only or not self.at_states:
            return False
        with self._lock:
            after = self._after.setdefault(TURN.get(), set())
            new = not after.issuperset(states)
            after.update(states)
        return new

    def _may_stop(self) -> bool:
        """Whether this thread may be blocked: one that runs an event loop stops the turns which it serves too.

        Where no other process serves any, none could get in between; else one turn of this process is enough.
        """
        if asyncio._get_running_loop() is None:  # noqa: SLF001 - it does not raise, and is as public as it can be
            return True
        if self._alone or self._stopped:
            return False
        self._stopped = True
        return True

    def note_read(self, states: Iterable[str]) -> None:
        """Note that this turn has read these states, and go on."""
        self._use(states)

    def hold_after(self, states: Iterable[str]) -> None:
        """After a read of these states: hold, if they are new to this turn and turns are held there."""
        if self._is_new(states) and self._may_stop():
            _wait(self._arrive("read"))

    async def ahold_after(self, states: Iterable[str]) -> None:
        """As `hold_after`, with the event loop running."""
        if self._is_new(states):
            await self._await(self._arrive("read"))

    def hold_before(self, states: Iterable[str]) -> None:
        """Before a write to these states: hold, if this turn has read or written one of them."""
        if self._use(states) and self._may_stop():
            _wait(self._arrive("write"))

    async def ahold_before(self, states: Iterable[str]) -> None:
        """As `hold_before`, with the event loop running."""
        if self._use(states):
            await self._await(self._arrive("write"))


def _wait(gate: threading.Event | None) -> None:
    if gate is not None:
        gate.wait()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


BARRIER = Barrier()
