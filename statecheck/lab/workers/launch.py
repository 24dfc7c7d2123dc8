"""Starts the warm parent where nothing that it does can outlive the run: in namespaces, else under a warden."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.kept import bytecode
from statecheck.lab.environment.masking import encode_files, find_emptied
from statecheck.lab.workers.copies import CopiesFolder, describe_sockets, remove_leftovers
from statecheck.lab.workers.namespaces import find_obstacle, list_commands
from statecheck.model import CANNOT_PREVENT, ISOLATED_BY_COPIES
from statecheck.probe.bootstrap import command
from statecheck.probe.channel import Channel, Closed, Message
from statecheck.target.interpreters import refusal

if TYPE_CHECKING:
    from statecheck.lab.environment.surroundings import Surroundings

_START_SECONDS = 20.0
_STOP_SECONDS = 0.5
_MOST_SAID = 4000  # bytes of its last words
_LONGEST = 120  # characters of an interpreter's last words


@dataclass
class Launched:
    """A warm parent: what it was started in, its process, its channel and how it is isolated (`namespace` or `copy`).

    Attributes:
        notes: what the report should say of it.
        ahead: what it was asked whose answer nobody has read.
        last_words: how it ended, if it did before anybody ended it, and what it said then.
        ended: somebody here has made it end.
        untried: commands by which namespaces may be had where the kernel refuses this one.
    """

    surroundings: Surroundings
    process: subprocess.Popen[bytes]
    channel: Channel
    isolation: str
    errors: int
    copies: CopiesFolder | None = None
    greeted: bool = False
    stopped: bool = False
    notes: list[str] = field(default_factory=list)
    ahead: Message | None = None
    last_words: str = ""
    ended: bool = False
    untried: list[list[str]] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """Where the copies are, or ""."""
        return self.copies.path if self.copies is not None else ""

    def ask_ahead(self, message: Message) -> None:
        """Ask before it is there; who asks the same later is given the answer. That it is gone is found out by then."""
        with contextlib.suppress(Closed):
            self.channel.send(message)
            self.ahead = message

    def hang_up(self) -> None:
        """Let everything of the run end, without waiting for it: the warm parent ends, and its namespace or warden."""
        self.ended = True
        self.channel.close()

    def stop(self) -> None:
        """Kill everything of the run and wait until it is gone; once is enough."""
        if self.stopped:
            return
        self.stopped = True
        self.hang_up()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:  # it is busy, with an import that hangs
            self.end()
            self.process.wait()
        os.close(self.errors)
        if self.copies is not None:
            self.copies.remove()

    def describe_end(self) -> tuple[str, str]:
        """How it ended that should not have, and the last that it said; both are kept with the run."""
        if self.ended:
            return "was ended", ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_SECONDS)
        size = os.fstat(self.errors).st_size
        said = os.pread(self.errors, _MOST_SAID, max(size - _MOST_SAID, 0)).decode("utf-8", "replace").strip()
        self.last_words = f"the run's own process {describe_status(self.process.returncode)}\n{said}\n"
        return describe_status(self.process.returncode), said

    def end(self) -> None:
        """Make it end at once: the namespace by SIGKILL, the warden by a signal that it heeds and cleans up after."""
        self.ended = True
        if self.isolation == "namespace":
            self.process.kill()
        else:
            self.process.terminate()

    def greet(self) -> None:
        """Wait until it answers.

        Raises:
            OSError: it does not; with the last line that it said.
        """
        if self.greeted:
            return
        try:
            hello, _ = self.channel.receive(_START_SECONDS)
        except (Closed, TimeoutError) as error:
            said = os.pread(self.errors, 4000, 0).decode("utf-8", "replace").strip()
            raise OSError(said.splitlines()[-1][:_LONGEST] if said else str(error)) from error
        if "failed" in hello:
            raise OSError(hello["failed"])
        self.greeted = True
        interpreter = self.surroundings.interpreter
        told = (f"run by Python {hello['python']} ({interpreter.why})", *interpreter.passed_over)
        self.notes[:0] = [*told, *self.surroundings.notes]
        if hello["limits"]:
            self.notes.append(f"{CANNOT_PREVENT}{'; '.join([*hello['limits'], *describe_sockets(_list_sockets())])}")


def describe_status(status: int | None) -> str:
    """How a process ended, by what `Popen.returncode` says."""
    if status is None:
        return "does not answer"
    if status < 0 and -status in {*signal.Signals}:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def launch(surroundings: Surroundings) -> Launched:
    """Start the warm parent under the target's interpreter, in namespaces where they can be had.

    Returns at once: there is much to import while it starts. `isolate` waits for it.

    Raises:
        StatecheckError: nothing can be started.
    """
    reason = (
        "asked for by STATECHECK_ISOLATION" if os.environ.get("STATECHECK_ISOLATION") == "copy" else find_obstacle()
    )
    if reason:
        remove_leftovers()
        return _launch_copies(surroundings, reason)
    launched = _launch_namespaces(surroundings, list_commands())
    remove_leftovers()  # of an earlier run in copies; the warm parent starts meanwhile
    return launched


def isolate(launched: Launched, project: Path) -> Launched:
    """Wait for a warm parent; where the kernel refused it namespaces, start one by another way, last in copies.

    Raises:
        StatecheckError: the interpreter cannot be started.
    """
    surroundings, refused = launched.surroundings, list[str]()
    while True:
        try:
            launched.greet()
        except OSError as error:
            launched.stop()
            if launched.isolation == "copy":
                raise refusal(surroundings.interpreter.python, str(error)) from error
            refused.append(str(error))
        else:
            return launched
        if launched.untried:
            launched = _launch_namespaces(surroundings, launched.untried)
        else:
            folders = tuple(dict.fromkeys((project, *surroundings.folders)))
            launched = _launch_copies(replace(surroundings, folders=folders), "; ".join(dict.fromkeys(refused)))


def _launch_namespaces(surroundings: Surroundings, commands: list[list[str]]) -> Launched:
    try:
        launched = _start(commands[0], surroundings, _setup(surroundings, "namespace"))
    except OSError as error:
        raise refusal(surroundings.interpreter.python, str(error)) from error
    launched.untried = commands[1:]
    return launched


def _launch_copies(surroundings: Surroundings, reason: str) -> Launched:
    made = CopiesFolder.make()
    warden = [sys.executable, "-S", str(Path(__file__).parents[2] / "probe" / "warden.py"), made.path]
    try:
        launched = _start(warden, surroundings, {**_setup(surroundings, "copy"), "folder": made.path})
    except OSError as error:
        made.remove()
        raise refusal(surroundings.interpreter.python, str(error)) from error
    launched.copies = made
    launched.notes.append(f"{ISOLATED_BY_COPIES} ({reason})")
    return launched


def _setup(surroundings: Surroundings, isolation: str) -> Message:
    home = str(Path("~").expanduser())
    folders = list(map(str, surroundings.folders))
    prefixes = [sys.prefix, str(Path(surroundings.interpreter.python).parent.parent)]  # of the probe, and of the target
    keep = [*folders, home, tempfile.gettempdir(), "/tmp", "/var/tmp", *prefixes]  # noqa: S108
    emptied, files = find_emptied((*folders, *prefixes))
    hidden = {"files": encode_files(files), "emptied": emptied}
    return {
        "isolation": isolation,
        "project": folders[0],
        "keep": keep,
        "sockets": _list_sockets(),
        "hidden": hidden,
    }


def _list_sockets() -> list[str]:
    """The paths of this machine's Unix sockets: a socket is reached by its path from any network."""
    try:
        lines = Path("/proc/net/unix").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:  # another system
        return []
    paths = (line.split(" ", 7)[7:] for line in lines)
    return list(dict.fromkeys(path[0].strip() for path in paths if path and path[0].strip().startswith("/")))


def _start(prefix: list[str], surroundings: Surroundings, setup: Message) -> Launched:
    ours, theirs = socket.socketpair()
    errors = os.memfd_create("statecheck") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    try:
        process = subprocess.Popen(
            [*prefix, surroundings.interpreter.python, "-c", command("warm", str(theirs.fileno()))],
            pass_fds=[theirs.fileno()],
            env=surroundings.environment,
            cwd=str(setup["project"]),  # some libraries look around when they are imported
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # nothing is said there; what is no Python might, without end
            stderr=errors,
            start_new_session=True,
        )
    except OSError:
        os.close(errors)
        ours.close()
        raise
    finally:
        theirs.close()
    channel = Channel(ours)
    with contextlib.suppress(Closed), bytecode.opened(surroundings.archive) as archive:  # `greet` finds out why
        channel.send(setup, archive)
    return Launched(surroundings, process, channel, str(setup["isolation"]), errors)
