"""Starts the warm parent where nothing that it does can outlive the run: in namespaces, else under a warden."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.probe.bootstrap import command
from statecheck.probe.channel import Channel, Closed, Message

if TYPE_CHECKING:
    from statecheck.interpreters import Interpreter
    from statecheck.target import Target

_START_SECONDS = 20.0
_STOP_SECONDS = 0.5
_LONGEST = 120  # characters of what something that is no Python says of our program


@dataclass
class Launched:
    """A warm parent: its process, its channel and how it is isolated (`namespace` or `copy`).

    Attributes:
        interpreter, environment: what it was started with; workers get the same variables.
        notes: what the report should say of it.
    """

    interpreter: Interpreter
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    channel: Channel
    isolation: str
    errors: int
    folder: str = ""
    greeted: bool = False
    stopped: bool = False
    notes: list[str] = field(default_factory=list)

    def stop(self) -> None:
        """Kill everything of the run and wait until it is gone; once is enough."""
        if self.stopped:
            return
        self.stopped = True
        self.channel.close()  # the warm parent ends at that, and its namespace or warden takes all along
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:  # it is busy, with an import that hangs
            self.end()
            self.process.wait()
        os.close(self.errors)
        if self.folder:
            _sweep(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        """Make it end at once: the namespace by SIGKILL, the warden by a signal that it heeds and cleans up after."""
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
        self.notes[:0] = [f"run by Python {hello['python']} ({self.interpreter.why})", *self.interpreter.passed_over]


def launch(project: Path, root: Path, interpreter: Interpreter, environment: dict[str, str]) -> Launched:
    """Start the warm parent under the target's interpreter, in namespaces where they can be had.

    Returns at once: there is much to import while it starts. `isolated` waits for it.

    Args:
        project, root: folders in which the target, or several, may write.
        interpreter: the target's.
        environment: all variables of the warm parent and of its workers.

    Raises:
        StatecheckError: nothing can be started.
    """
    reason = "asked for by STATECHECK_ISOLATION" if os.environ.get("STATECHECK_ISOLATION") == "copy" else _unsupported()
    if reason:
        return _launch_copies(project, root, interpreter, environment, reason)
    try:
        return _start(_namespace_command(), interpreter, environment, _setup(project, root, interpreter, "namespace"))
    except OSError as error:
        raise _cannot(interpreter, error) from error


def isolated(launched: Launched, target: Target) -> Launched:
    """Wait for a warm parent; where the kernel refused it a namespace, start another one with copies.

    Raises:
        StatecheckError: the interpreter cannot be started.
    """
    try:
        launched.greet()
    except OSError as refused:
        launched.stop()
        interpreter = launched.interpreter
        if launched.isolation == "copy":
            raise _cannot(interpreter, refused) from refused
        launched = _launch_copies(target.project, target.root, interpreter, launched.environment, str(refused))
        try:
            launched.greet()
        except OSError as error:
            launched.stop()
            raise _cannot(interpreter, error) from error
    return launched


def _launch_copies(
    project: Path, root: Path, interpreter: Interpreter, environment: dict[str, str], reason: str
) -> Launched:
    folder = tempfile.mkdtemp(prefix="statecheck-")
    warden = [sys.executable, "-S", str(Path(__file__).parent.parent / "probe" / "warden.py"), folder]
    try:
        setup = {**_setup(project, root, interpreter, "copy"), "folder": folder}
        launched = _start(warden, interpreter, environment, setup)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _cannot(interpreter, error) from error
    launched.folder = folder
    launched.notes.append(f"isolated by copies of the project, not by namespaces ({reason})")
    return launched


def _cannot(interpreter: Interpreter, error: OSError) -> StatecheckError:
    return StatecheckError(
        "no-interpreter",
        f"`{interpreter.python}` cannot run the target: {error}",
        "name an interpreter that the app runs in, CPython 3.10 or newer, with `--python PATH`",
        ExitCode.INCONCLUSIVE,
    )


def _sweep(folder: str) -> None:
    """Kill what still works in a run's folder: what daemonised itself where there is no subreaper to adopt it."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd().startswith(folder) or process.environ().get("TMPDIR", "").startswith(folder):
                process.kill()


def _unsupported() -> str:
    if not sys.platform.startswith("linux"):
        return f"no namespaces on {sys.platform}"
    missing = [tool for tool in ("unshare", "setpriv") if shutil.which(tool) is None]
    return f"`{missing[0]}` of util-linux is missing" if missing else ""


def _namespace_command() -> list[str]:
    rootless = ["--map-current-user", "--keep-caps"] if os.getuid() else []
    kinds = ["--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child=KILL", "--mount-proc"]
    return ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *rootless, *kinds]


def _setup(project: Path, root: Path, interpreter: Interpreter, isolation: str) -> Message:
    home = str(Path("~").expanduser())
    prefixes = [sys.prefix, str(Path(interpreter.python).parent.parent)]  # the probe's, and that of what it imports
    keep = [str(project), str(root), home, tempfile.gettempdir(), "/tmp", "/var/tmp", *prefixes]  # noqa: S108
    return {"isolation": isolation, "project": str(project), "keep": keep}


def _start(prefix: list[str], interpreter: Interpreter, environment: dict[str, str], setup: Message) -> Launched:
    ours, theirs = socket.socketpair()
    errors = os.memfd_create("statecheck") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    try:
        process = subprocess.Popen(
            [*prefix, interpreter.python, "-c", command("warm", str(theirs.fileno()))],
            pass_fds=[theirs.fileno()],
            env=environment,
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
    with contextlib.suppress(Closed):  # `greet` finds out why
        channel.send(setup)
    return Launched(interpreter, environment, process, channel, str(setup["isolation"]), errors)
