"""One worker process as the lab sees it: what it tells, what it is told, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from statecheck.lab.bounds import KEPT_ANSWER, longest_import
from statecheck.lab.workers.op_file import anonymous_file, read_ops
from statecheck.lab.workers.replies import Failure, decode_failure
from statecheck.probe.channel import Channel, Closed, Garbled, Message
from statecheck.probe.notebooks import spell_lines

if TYPE_CHECKING:
    from statecheck.history import Op

_LAST_SECONDS = 3.0
_IN_VAIN_SECONDS = 0.05  # once it has been waited in vain for what a turn left running
_MOST_MESSAGES = 1_000_000  # of one life: a turn takes some tens
_MOST_ERROR = 2000  # characters
GARBLED = "the app wrote on a descriptor of statecheck's, so nothing that its process tells can be believed"
"""How a worker ended whose channel carries what no probe says."""
GARBLED_HINT = "let it write only on descriptors that it opened itself"

_KEPT_OUTPUT = 200_000  # bytes of the target's own output kept from each end of a worker's life


Ask = Callable[[Message, tuple[int, ...]], Message]
"""How the warm parent is asked: a request and descriptors that go with it, for its answer."""


@dataclass
class Patience:
    """For how long what a turn leaves running is waited for; all workers of a run share it: some apps never end it."""

    seconds: float = 2.0


class Worker:
    """A worker process. All waiting is on `bell`, which every message rings.

    Attributes:
        pid: its PID in its own namespace, as `os.getpid()` says there.
        generation: which life of the run's workers it is, from 1.
        facts: what it told when it became ready.
        failed: what it told when it could not start.
        done: {turn token: error text or ""} of turns whose call has returned.
        settled: turns of which nothing runs any more that the app began beside them.
        answers: {turn token: text} of calls.
        kept: {turn token: what the client's browser keeps from then on} of calls.
        listens: {turn token: how often its app has asked for a message} of WebSocket connections.
        held: how many turns it has held at the barrier; `held_aside` of them at what they read or write.
        importing: the module that it last told to be importing, and how often it has told so.
        asked: how many times a run in it has asked something of a person.
        fate: how it ended, once it is dead.
        garbled: it is dead to us only: its app wrote on our channel, so nobody listens to it any more.
    """

    def __init__(
        self, generation: int, disk: str, listening: socket.socket | None, patience: Patience | None = None
    ) -> None:
        self.generation = generation
        self.disk = disk
        self.listening = listening
        self.bell = threading.Condition()
        self.pid = 0
        self.facts: Message | None = None
        self.failed: Failure | None = None
        self.dead = False
        self.fate = "the worker died while it answered"
        self.garbled = False
        self._patience = patience or Patience()
        self.done: dict[int, str] = {}
        self.settled: set[int] = set()
        self.answers: dict[int, str] = {}
        self.kept: dict[int, dict[str, str]] = {}
        self.listens: dict[int, int] = {}
        self.held = 0
        self.held_aside = 0
        # {turn token: whether it is held now}, in the order in which they were held first
        self._arrivals: dict[int, bool] = {}
        self.asked = 0
        self.importing = ("", 0)
        self.incomplete = False
        self.replies: list[Message] = []
        self._ops = anonymous_file()
        self._output = bytearray()
        self._threads: list[threading.Thread] = []

    def start(self, ask: Ask, request: Message) -> None:
        """Ask the warm parent for the process; returns when the process exists, not yet ready."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        descriptors = [theirs.fileno(), self._ops, write_end]
        if self.listening is not None:
            descriptors.append(self.listening.fileno())
        try:
            reply = ask({"do": "spawn", "disk": self.disk, **request}, tuple(descriptors))
        except BaseException:
            ours.close()
            os.close(read_end)
            if self.listening is not None:
                self.listening.close()
            raise
        finally:
            theirs.close()
            os.close(write_end)
        self.pid = reply["pid"]
        self.channel = Channel(ours)
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._drain, args=(read_end,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        """Take its messages until it is gone, or says what no probe says: then its app wrote on our descriptor."""
        try:
            for _ in range(_MOST_MESSAGES):
                message, descriptors = self.channel.receive()
                for descriptor in descriptors:
                    os.close(descriptor)
                with self.bell:
                    self._take(message)
                    self.bell.notify_all()
        except Garbled:
            pass
        except Closed:
            self.ended()
            return
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):  # JSON, but of no kind that is known
            pass
        self.garbled = self.incomplete = True
        self.fate = GARBLED
        self.channel.close()
        self.ended()

    def _take(self, message: Message) -> None:
        if "ready" in message:
            self.facts = message["ready"]
        elif "failed" in message:
            self.failed = decode_failure(message)
        elif "done" in message or "settled" in message:
            self._take_end(message)
        elif "answer" in message:
            self.answers[message["answer"]] = str(message["text"])[:KEPT_ANSWER]
            self.kept[message["answer"]] = {str(name): str(value) for name, value in message["kept"].items()}
        elif "listens" in message:
            self.listens[message["listens"]] = self.listens.get(message["listens"], 0) + 1
        elif "held" in message:
            self.held += 1
            self._arrivals[message["held"]] = True
            self.held_aside += message["at"] != "model"
        elif "importing" in message:
            self.importing = (str(message["importing"])[:_MOST_ERROR], self.importing[1] + 1)
        elif "asked" in message:
            self.asked += 1
        elif not self.replies:  # whoever asked takes one
            self.replies.append(message)

    def _take_end(self, message: Message) -> None:
        if "settled" in message:
            self.settled.add(message["settled"])
            return
        self.done[message["done"]] = str(message["error"])[:_MOST_ERROR]
        self.incomplete |= bool(message["missing"])
        if not message["goes-on"]:
            self.settled.add(message["done"])

    def _drain(self, read_end: int) -> None:
        with open(read_end, "rb", buffering=0) as pipe:
            while data := pipe.read(1 << 16):
                self._output += data
                if len(self._output) > 3 * _KEPT_OUTPUT:
                    self._output[_KEPT_OUTPUT:-_KEPT_OUTPUT] = b"\n[...]\n"

    def wait(self, done: Callable[[], Any], seconds: float) -> bool:
        """Wait until `done()` is true or this worker is dead; False if neither came in time."""
        with self.bell:
            return bool(self.bell.wait_for(lambda: done() or self.dead, seconds))

    def wait_for_start(self, seconds: float) -> None:
        """Wait until it serves, fails or dies, or until nothing new was imported for so long (see `longest_import`)."""
        deadline = time.monotonic() + longest_import(seconds)

        def started() -> bool:
            return self.facts is not None or self.failed is not None

        while True:
            known, left = self.importing, deadline - time.monotonic()
            went_on = self.wait(lambda: started() or self.importing != known, min(seconds, left))  # noqa: B023 - now
            if started() or self.dead or not went_on:
                return

    def wait_for_rest(self, turn: int, promised: float = 0.0) -> None:
        """Wait until nothing runs any more that the app began beside a turn, as far as there is patience for it.

        Args:
            turn: its token.
            promised: how long that may take where the answer says that it goes on, unless one has promised in vain.
        """
        patience = self._patience
        seconds = max(patience.seconds, promised if patience.seconds > _IN_VAIN_SECONDS else 0.0)
        if not self.wait(lambda: turn in self.settled, seconds):
            patience.seconds = _IN_VAIN_SECONDS

    def tell(self, message: Message) -> None:
        """Send a message that needs no answer; a worker that is gone does not mind."""
        with contextlib.suppress(Closed):
            self.channel.send(message)

    def list_held(self) -> list[int]:
        """Return the tokens of the turns that it holds now, in the order in which they were held first."""
        with self.bell:
            return [turn for turn, is_held in self._arrivals.items() if is_held]

    def let_go(self, turn: int = 0, *, models_only: bool = False, for_good: bool = False) -> None:
        """Let what it holds go on.

        Args:
            turn: the token of the only turn that may; 0: all may.
            models_only: from now on turns are held at model calls alone.
            for_good: none is held any more; else each is again, at the next place that it comes to.
        """
        with self.bell:
            self._arrivals.update(dict.fromkeys([turn] if turn else self._arrivals, False))
        self.tell({"release": True} if for_good else {"next-round": True, "turn": turn, "models-only": models_only})

    def ask(self, message: Message, seconds: float) -> Message | None:
        """Send a request and wait for its reply; None if the worker died or did not answer in time."""
        with self.bell:
            self.replies.clear()
        try:
            self.channel.send(message)
        except Closed:
            return None
        self.wait(lambda: bool(self.replies), seconds)
        return self.replies[0] if self.replies else None

    def imported(self, seconds: float) -> tuple[str, ...]:
        """Third-party modules that this worker has imported beyond what the warm parent had."""
        reply = self.ask({"modules": True}, seconds)
        return tuple(reply["modules"]) if reply and "modules" in reply else ()

    def ops(self) -> list[Op]:
        """What it has recorded so far."""
        ops, whole = read_ops(self._ops)
        self.incomplete |= not whole
        return [replace(op, generation=self.generation) for op in ops]

    def ended(self) -> None:
        """The process is known to be gone: wake whoever waits for it."""
        with self.bell:
            self.dead = True
            self.bell.notify_all()

    def last_words(self) -> str:
        """All that a worker has printed which ends by itself."""
        self.wait(lambda: False, _LAST_SECONDS)
        for thread in self._threads:
            thread.join(_LAST_SECONDS)
        return self.output()

    def output(self) -> str:
        """What it has printed so far (standard output and error), the middle cut out if it is long."""
        return spell_lines(bytes(self._output).decode("utf-8", "replace"))

    def close(self) -> None:
        """Give back the descriptors; the process is the lab's to kill."""
        self.channel.close()
        if self.listening is not None:
            self.listening.close()
        for thread in self._threads:
            thread.join(2)
        os.close(self._ops)
