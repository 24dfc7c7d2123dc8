"""Starts the warm parent where nothing that it does can outlive the run: in namespaces, else under a warden."""

from __future__ import annotations

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
    from statecheck.target import Target

_START_SECONDS = 20.0


@dataclass
class Launched:
    """A warm parent: its process, its channel and how it is isolated (`namespace` or `copy`)."""

    process: subprocess.Popen[bytes]
    channel: Channel
    isolation: str
    python: str
    errors: int = -1
    folder: str = ""
    notes: list[str] = field(default_factory=list)

    def stop(self) -> None:
        """Kill everything of the run and wait until it is gone."""
        self.channel.close()
        self.process.kill() if self.isolation == "namespace" else self.process.wait(10)
        self.process.wait()
        if self.errors >= 0:
            os.close(self.errors)
            self.errors = -1
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def launch(target: Target, python: str, environment: dict[str, str]) -> Launched:
    """Start the warm parent under the target's interpreter, in namespaces where the kernel allows it.

    Args:
        environment: all variables of the warm parent (workers get theirs with each spawn).

    Raises:
        StatecheckError: the interpreter cannot be started.
    """
    wanted = os.environ.get("STATECHECK_ISOLATION", "")
    reason = "asked for by STATECHECK_ISOLATION" if wanted == "copy" else _unsupported()
    if not reason:
        try:
            return _start(_namespace_command(), python, environment, _setup(target, "namespace"))
        except (OSError, Closed, TimeoutError) as error:
            reason = str(error)
    folder = tempfile.mkdtemp(prefix="statecheck-")
    try:
        warden = [sys.executable, "-S", str(Path(__file__).parent.parent / "probe" / "warden.py"), folder]
        launched = _start(warden, python, environment, {**_setup(target, "copy"), "folder": folder})
    except (OSError, Closed, TimeoutError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StatecheckError(
            "no-interpreter",
            f"`{python}` could not be started: {error}",
            "check that this interpreter runs: it has to import the target",
            ExitCode.INCONCLUSIVE,
        ) from error
    launched.folder = folder
    launched.notes.append(f"isolated by copies of the project, not by namespaces ({reason})")
    return launched


def _unsupported() -> str:
    if not sys.platform.startswith("linux"):
        return f"no namespaces on {sys.platform}"
    missing = [tool for tool in ("unshare", "setpriv") if shutil.which(tool) is None]
    return f"`{missing[0]}` of util-linux is missing" if missing else ""


def _namespace_command() -> list[str]:
    rootless = ["--map-current-user", "--keep-caps"] if os.getuid() else []
    kinds = ["--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child=KILL", "--mount-proc"]
    return ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *rootless, *kinds]


def _setup(target: Target, isolation: str) -> Message:
    home = os.path.expanduser("~")
    keep = [str(target.project), str(target.root), home, tempfile.gettempdir(), "/tmp", "/var/tmp", sys.prefix]  # noqa: S108
    return {"isolation": isolation, "project": str(target.project), "keep": keep}


def _start(prefix: list[str], python: str, environment: dict[str, str], setup: Message) -> Launched:
    ours, theirs = socket.socketpair()
    errors = os.memfd_create("statecheck") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    try:
        process = subprocess.Popen(
            [*prefix, python, "-c", command("warm", str(theirs.fileno()))],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=errors,
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
    try:
        channel.send(setup)
        hello, _ = channel.receive(_START_SECONDS)
        if "failed" in hello:
            raise OSError(hello["failed"])
    except (OSError, TimeoutError) as error:
        channel.close()
        process.kill()
        process.wait()
        said = os.pread(errors, 2000, 0).decode("utf-8", "replace").strip() if errors >= 0 else ""
        os.close(errors)
        raise OSError(said.splitlines()[-1] if said else str(error)) from error
    return Launched(process, channel, hello["isolation"], hello["python"], errors)
