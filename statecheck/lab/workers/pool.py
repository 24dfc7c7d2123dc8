"""The lab: spawns workers on disks, kills them, and gives back what they held when the run is over."""

from __future__ import annotations

import contextlib
import math
import socket
import tempfile
import threading
import time
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError, more_time
from statecheck.history import History, Op
from statecheck.kept import bytecode
from statecheck.lab.bounds import longest_import
from statecheck.lab.workers.readiness import START_SECONDS
from statecheck.lab.workers.replies import decode_file
from statecheck.lab.workers.worker import Patience, Worker
from statecheck.options.config import TURN_SECONDS
from statecheck.probe.channel import Closed, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from statecheck.lab.workers.launch import Launched
    from statecheck.lab.workers.replies import FoundFile
    from statecheck.probe.relay import Relay
    from statecheck.source.project.migrations import Migration


_MOST_OPS = 60_000  # of one run; a usual one has some thousands
_MUCH = f"more was recorded than the {_MOST_OPS} ops that statecheck holds of one run"
_NO_COPY = "let TMPDIR name a folder that has room and can be written to"
_WORTH_KEEPING = 50  # modules; a few are always compiled anew, as those of packages under development


def make_warm_request(modules: tuple[str, ...], roots: list[str]) -> Message:
    """What a warm parent is asked to import; what lies below the roots is the user's own, and left out."""
    return {"do": "warm", "modules": list(modules), "roots": roots}


_TURN_OF_START = TURN_SECONDS / START_SECONDS
"""The time of a turn, as a share of that until a worker serves."""


def make_too_long(seconds: float) -> StatecheckError:
    """Return the error of a run that was ended because its time was up, of which turns had so many seconds."""
    text = "the run took too long and was ended"
    return StatecheckError("run-too-long", text, f"give it more time with {more_time(seconds)}", ExitCode.INCONCLUSIVE)


class Lab:
    """Everything of one run that lives outside the target: places, workers, faults."""

    def __init__(self, launched: Launched, request: Message, seconds: float, name: str) -> None:
        self._launched = launched
        self.name = name  # tells its disks from those of other labs of the same warm parent
        self._request = request  # what every spawn says: module, object, environment, …
        self._lock = threading.Lock()
        self._patience = Patience()
        self._received: list[int] = []
        self._generations = 0
        self.seconds = seconds
        self.isolation = launched.isolation
        self.workers: list[Worker] = []
        self.relays: list[Relay] = []  # to services that were handed over
        self.sources: list[Callable[[], list[Op]]] = []  # of what was said to services so far
        self.ports: list[int] = []  # at which services are provided, on the loopback that all disks share then
        self.handed_over: list[int] = []  # ports of services of the user's that the target may reach
        self.helpers: list[int] = []  # PIDs of what was started beside the workers
        self.expired = False
        self._deadline = math.inf
        self._watchdog = threading.Timer(0, self._expire)  # begun by `watch`
        self._room = _MOST_OPS
        self.files_kept: list[str] = []  # of the volumes, those that are a file and no folder
        self.stand_ins: dict[str, str] = {}  # {path of the container's: folder of the project that lies there, or ""}
        self.host_name = ""  # of every container, where the project's files give it one; else each has another
        self.indexes: tuple[str, ...] = ()  # folders in which an empty one is made, as the app lacks its own
        self.fresh = False
        self.compiled = 0  # modules of installed packages that have no `.pyc` files
        self.migration: Migration | None = None  # run first on each new disk
        self._migrated: set[str] = set()

    def watch(self, seconds: float, last: float) -> None:
        """Let this run end, whatever it is busy with: no experiment is begun after `seconds`, all ends `last` later.

        Called again, it begins anew.
        """
        self._watchdog.cancel()
        self._deadline = time.monotonic() + seconds
        self._watchdog = threading.Timer(seconds + last, self._expire)
        self._watchdog.daemon = True
        self._watchdog.start()

    def is_late(self) -> bool:
        """Whether no other experiment should be begun."""
        return time.monotonic() > self._deadline

    def _expire(self) -> None:
        self.expired = True
        self.abort()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its workers run with."""
        variables: dict[str, str] = self._request["environment"]
        return variables

    def ask(self, message: Message, descriptors: tuple[int, ...] = ()) -> Message:
        """One request to the warm parent and its answer.

        Raises:
            StatecheckError: the warm parent is gone or could not do it.
        """
        with self._lock:
            channel, ahead, self._launched.ahead = self._launched.channel, self._launched.ahead, None
            try:
                if ahead is not None and ahead != message:
                    self._receive()  # nobody wants that answer
                if ahead != message:
                    channel.send(message, descriptors)
                reply, self._received = self._receive()
            except (Closed, TimeoutError) as error:
                if self.expired:
                    raise make_too_long(self.seconds * _TURN_OF_START) from error
                how, said = (
                    self._launched.describe_end() if isinstance(error, Closed) else (f"did not answer: {error}", "")
                )
                raise StatecheckError(
                    "lab-lost",
                    f"the run's own process {how} (`{message['do']}`)",
                    "run it again; if it stays, set STATECHECK_ISOLATION=copy and report it",
                    ExitCode.INTERNAL,
                    said,
                ) from error
        if "failed" in reply:
            raise StatecheckError(
                "no-place",
                f"no place could be prepared: {reply['failed']}",
                _NO_COPY
                if self.isolation == "copy"
                else "set STATECHECK_ISOLATION=copy to run in copies of the project",
                ExitCode.INCONCLUSIVE,
            )
        return reply

    def _receive(self) -> tuple[Message, list[int]]:
        """The warm parent's next answer, which may take long as long as it tells that it imports.

        Raises:
            Closed, TimeoutError: as `Channel.receive`.
        """
        deadline = time.monotonic() + longest_import(self.seconds)
        while True:
            reply, descriptors = self._launched.channel.receive(self.seconds)
            if "importing" not in reply:
                return reply, descriptors
            if time.monotonic() > deadline:
                raise TimeoutError(f"it is still importing `{reply['importing']}`")

    def warm(self, modules: tuple[str, ...]) -> Message:
        """Import third-party modules in the warm parent, so that no worker has to.

        Raises:
            StatecheckError: as `ask`, and where that takes too long.
        """
        try:
            reply = self.ask(make_warm_request(modules, self._request["roots"]))
        except StatecheckError as error:
            if not isinstance(error.__cause__, TimeoutError):
                raise
            raise StatecheckError(
                "libraries-hang",
                f"the target's libraries were not imported within {self.seconds:g} s",
                f"give them more time with {more_time(self.seconds * _TURN_OF_START)}",
                ExitCode.INCONCLUSIVE,
            ) from error
        self.fresh = bool(reply["threads"])
        self.compiled = reply["compiled"]
        return reply

    def spawn(self, disk: str, volumes: tuple[str, ...], *, listen: bool, later: int = 0) -> Worker:
        """A new worker on this disk, not waited for; `disk` is `<experiment>/<number>`.

        To libraries that look at the age of what they find at their start it may be so many seconds `later`.
        """
        disk = f"{self.name}/{disk}"
        listening = None
        if listen:
            listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        with self._lock:
            self._generations += 1
            worker = Worker(self._generations, disk, listening, self._patience)
            self.workers.append(worker)
        shared = bool(self.relays or self.ports)
        places: Message = {"volumes": list(volumes), "files": self.files_kept, "stand_ins": self.stand_ins}
        request: Message = {
            **places,
            "indexes": list(self.indexes),
            "own_network": not shared,
            "provided": self.ports,
            "handed_over": self.handed_over,
            "later": later,
            "host_name": self.host_name,
        }
        if self.migration and disk not in self._migrated:
            self._migrated.add(disk)
            request["migrate"] = {"arguments": self.migration.arguments, "folder": str(self.migration.folder)}
        worker.start(self.ask, {**self._request, **request})
        return worker

    def listener(self, host: str, port: int) -> int:
        """A descriptor of a socket that listens inside the target's network namespace."""
        self.ask({"do": "listen", "host": host, "port": port})
        return self._received[0]

    def passed(self) -> list[Op]:
        """What was said to services so far, as their relays saw it."""
        return [op for source in self.sources for op in source()]

    def limit(self, history: History) -> History:
        """Return a history, or its beginning: all of a run are held at once, so what they hold has a bound."""
        with self._lock:
            room, self._room = self._room, max(self._room - len(history.ops), 0)
        if len(history.ops) <= room:
            return history
        return History(
            history.experiment, (*history.ops[:room], Op(history.ops[room].time, "info", "incomplete", error=_MUCH))
        )

    def kill(self, worker: Worker, *, container: bool = False) -> None:
        """SIGKILL this worker, or with it all that is in its container; returns when it is gone."""
        self.ask({"do": "kill", "pid": worker.pid, "disk": worker.disk, "all": container, "wait": True})
        worker.ended()

    def dismiss(self, worker: Worker) -> None:
        """SIGKILL a worker that nobody needs any more; it is gone a moment later."""
        self.ask({"do": "kill", "pid": worker.pid, "disk": worker.disk, "all": False, "wait": False})
        worker.ended()

    def copy_of(self, worker: Worker) -> str:
        """Where the worker's copy of the project lies, or "" where layers stand for its disk."""
        return f"{self._launched.folder}/{worker.disk}/project" if self._launched.folder else ""

    def files(self, disk: str, markers: tuple[str, ...]) -> list[FoundFile]:
        """Files written on a disk that hold one of these markers."""
        reply = self.ask({"do": "files", "disk": disk, "markers": list(markers)})
        return [decode_file(found) for found in reply["files"]]

    def abort(self) -> None:
        """Kill the whole run at once: every thread that waits for a worker wakes."""
        self._launched.end()
        self._launched.channel.close()

    def drop_disks(self, experiment: str) -> None:
        """Give back the disks of an experiment that has ended, where they are copies."""
        if self.isolation == "copy":
            self.ask({"do": "forget", "prefix": f"{self.name}/{experiment}"})

    def leave(self) -> None:
        """Kill this lab's workers and drop its disks, and keep the warm parent for another lab."""
        self._keep_bytecode()
        for worker in self.workers:
            if worker.pid and not worker.dead:
                self.kill(worker)
        for pid in self.helpers:
            self.ask({"do": "kill", "pid": pid, "disk": "", "all": False, "wait": True})
        self.ask({"do": "forget", "prefix": self.name})
        self._give_back()

    def close(self) -> None:
        """Kill the whole run and give back what it held. It is gone a moment later: `Launched.stop` waits for that."""
        self._keep_bytecode()
        self._launched.hang_up()
        self._give_back()

    def _keep_bytecode(self) -> None:
        """Keep what the warm parent had to compile, so that the next run need not; not being able to is no loss."""
        path = self._launched.surroundings.archive
        if path is None or self.compiled < _WORTH_KEEPING:
            return
        with tempfile.TemporaryFile() as file, contextlib.suppress(StatecheckError, OSError):
            self.ask({"do": "bytecode"}, (file.fileno(),))
            file.seek(0)
            bytecode.keep(path, file.read())
        self.compiled = 0

    def _give_back(self) -> None:
        self._watchdog.cancel()
        for relay in self.relays:
            relay.close()
        for worker in self.workers:
            if hasattr(worker, "channel"):
                worker.close()
