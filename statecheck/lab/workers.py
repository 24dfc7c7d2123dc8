"""The lab: spawns workers on disks, listens to what they tell, kills them, and keeps what they recorded."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statecheck.errors import ExitCode, StatecheckError
from statecheck.history import Op, decode_lines
from statecheck.probe.channel import Channel, Closed, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statecheck.lab.launch import Launched
    from statecheck.lab.services import Services
    from statecheck.probe.relay import Relay

_LAST_SECONDS = 3.0
_KEPT_OUTPUT = 200_000  # bytes of the target's own output kept from each end of a worker's life


def anonymous_file() -> int:
    """A new append-only file without a name: what is written survives the writer's SIGKILL and dies with us."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("statecheck-ops")
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        return fd
    fd, path = tempfile.mkstemp(prefix="statecheck-")
    os.close(fd)
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    Path(path).unlink()
    return fd


class Worker:
    """One worker process as the lab sees it. All waiting is on `bell`, which every message rings.

    Attributes:
        pid: its PID in its own namespace, as `os.getpid()` says there.
        generation: which life of the run's workers it is, from 1.
        facts: what it told when it became ready.
        failed: what it told when it could not start.
        done: {turn token: error text or ""} of turns whose call has returned.
        answers: {turn token: text} of calls.
        kept: {turn token: what the client's browser keeps from then on} of calls.
        listens: {turn token: how often its app has asked for a message} of WebSocket connections.
        held: how many turns it has held at the barrier.
    """

    def __init__(self, generation: int, disk: str, listening: socket.socket | None) -> None:
        self.generation = generation
        self.disk = disk
        self.listening = listening
        self.bell = threading.Condition()
        self.pid = 0
        self.facts: Message | None = None
        self.failed: Message | None = None
        self.dead = False
        self.done: dict[int, str] = {}
        self.answers: dict[int, str] = {}
        self.kept: dict[int, dict[str, str]] = {}
        self.listens: dict[int, int] = {}
        self.held = 0
        self.incomplete = False
        self.replies: list[Message] = []
        self._ops = anonymous_file()
        self._output = bytearray()
        self._threads: list[threading.Thread] = []

    def start(self, lab: Lab, request: Message) -> None:
        """Ask the warm parent for the process; returns when the process exists, not yet ready."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        descriptors = [theirs.fileno(), self._ops, write_end]
        if self.listening is not None:
            descriptors.append(self.listening.fileno())
        try:
            reply = lab.ask({"do": "spawn", "disk": self.disk, **request}, tuple(descriptors))
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
        try:
            while True:
                message, _ = self.channel.receive()
                with self.bell:
                    self._take(message)
                    self.bell.notify_all()
        except Closed:
            with self.bell:
                self.dead = True
                self.bell.notify_all()

    def _take(self, message: Message) -> None:
        if "ready" in message:
            self.facts = message["ready"]
        elif "failed" in message:
            self.failed = message
        elif "done" in message:
            self.done[message["done"]] = message["error"]
            self.incomplete = bool(message["missing"])
        elif "answer" in message:
            self.answers[message["answer"]] = message["text"]
            self.kept[message["answer"]] = message["kept"]
        elif "listens" in message:
            self.listens[message["listens"]] = self.listens.get(message["listens"], 0) + 1
        elif "held" in message:
            self.held += 1
        else:
            self.replies.append(message)

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

    def tell(self, message: Message) -> None:
        """Send a message that needs no answer; a worker that is gone does not mind."""
        with contextlib.suppress(Closed):
            self.channel.send(message)

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
        from dataclasses import replace

        data = os.pread(self._ops, os.fstat(self._ops).st_size, 0)
        return [replace(op, generation=self.generation) for op in decode_lines(data)]

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
        return bytes(self._output).decode("utf-8", "replace")

    def close(self) -> None:
        """Give back the descriptors; the process is the lab's to kill."""
        self.channel.close()
        if self.listening is not None:
            self.listening.close()
        for thread in self._threads:
            thread.join(2)
        os.close(self._ops)


class Lab:
    """Everything of one run that lives outside the target: places, workers, faults."""

    def __init__(self, launched: Launched, request: Message, seconds: float, name: str) -> None:
        self._launched = launched
        self.name = name  # tells its disks from those of other labs of the same warm parent
        self._request = request  # what every spawn says: module, object, environment, …
        self._lock = threading.Lock()
        self._received: list[int] = []
        self._generations = 0
        self.seconds = seconds
        self.isolation = launched.isolation
        self.workers: list[Worker] = []
        self.relays: list[Relay] = []  # to services that were handed over
        self.relayed: list[Op] = []
        self.services: Services | None = None
        self.fresh = False

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that its workers run with."""
        variables: Mapping[str, str] = self._request["environment"]
        return variables

    def ask(self, message: Message, descriptors: tuple[int, ...] = ()) -> Message:
        """One request to the warm parent and its answer.

        Raises:
            StatecheckError: the warm parent is gone or could not do it.
        """
        with self._lock:
            try:
                self._launched.channel.send(message, descriptors)
                reply, self._received = self._launched.channel.receive(self.seconds)
            except (Closed, TimeoutError) as error:
                raise StatecheckError(
                    "lab-lost",
                    f"the run's own process did not answer (`{message['do']}`): {error}",
                    "run it again; if it stays, set STATECHECK_ISOLATION=copy and report it",
                    ExitCode.INTERNAL,
                ) from error
        if "failed" in reply:
            raise StatecheckError(
                "no-place",
                f"no place could be prepared: {reply['failed']}",
                "set STATECHECK_ISOLATION=copy to run in copies of the project",
                ExitCode.INCONCLUSIVE,
            )
        return reply

    def warm(self, modules: tuple[str, ...]) -> Message:
        """Import third-party modules in the warm parent, so that no worker has to."""
        reply = self.ask({"do": "warm", "modules": list(modules), "roots": self._request["roots"]})
        self.fresh = bool(reply["threads"])
        return reply

    def spawn(self, disk: str, volumes: tuple[str, ...], *, listen: bool) -> Worker:
        """A new worker on this disk, not waited for; `disk` is `<experiment>/<number>`."""
        disk = f"{self.name}/{disk}"
        listening = None
        if listen:
            listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        with self._lock:
            self._generations += 1
            worker = Worker(self._generations, disk, listening)
            self.workers.append(worker)
        # services listen on the run's own loopback, which all disks share then
        provided = self.services.ports if self.services else []
        shared = bool(self.relays or provided)
        request = {"volumes": list(volumes), "own_network": not shared, "provided": provided}
        worker.start(self, {**self._request, **request})
        return worker

    def listener(self, host: str, port: int) -> int:
        """A descriptor of a socket that listens inside the target's network namespace."""
        self.ask({"do": "listen", "host": host, "port": port})
        return self._received[0]

    def passed(self) -> list[Op]:
        """What was said to services so far, as their relays saw it."""
        return [*self.relayed, *(self.services.passed() if self.services else ())]

    def kill(self, worker: Worker, *, container: bool = False) -> None:
        """SIGKILL this worker, or with it all that is in its container; returns when it is gone."""
        self.ask({"do": "kill", "pid": worker.pid, "disk": worker.disk, "all": container})
        worker.ended()

    def copy_of(self, worker: Worker) -> str:
        """Where the worker's copy of the project lies, or "" where layers stand for its disk."""
        return f"{self._launched.folder}/{worker.disk}/project" if self._launched.folder else ""

    def files(self, disk: str, markers: tuple[str, ...]) -> list[Message]:
        """Files written on a disk that hold one of these markers."""
        found: list[Message] = self.ask({"do": "files", "disk": disk, "markers": list(markers)})["files"]
        return found

    def abort(self) -> None:
        """Kill the whole run at once: every thread that waits for a worker wakes."""
        self._launched.end()
        self._launched.channel.close()

    def leave(self) -> None:
        """Kill this lab's workers and drop its disks, and keep the warm parent for another lab."""
        for worker in self.workers:
            if worker.pid and not worker.dead:
                self.kill(worker)
        if self.services and self.services.pid:
            self.ask({"do": "kill", "pid": self.services.pid, "disk": "", "all": False})
        self.ask({"do": "forget", "prefix": self.name})
        self._give_back()

    def close(self) -> None:
        """Kill the whole run, wait until it is gone and give back what it held."""
        self._launched.stop()
        self._give_back()

    def _give_back(self) -> None:
        for relay in self.relays:
            relay.close()
        for worker in self.workers:
            if hasattr(worker, "channel"):
                worker.close()
