"""The warm parent: imports the target's third-party modules once, never the target, and forks a worker per request.

Inside the namespace it is PID 1 (the app never is). It answers one request at a time on its channel.
The idea is that of Android's zygote and of multiprocessing's forkserver: what is expensive is paid once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import itertools
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import servers, worker
from .bytecode import Bytecode, content
from .channel import Channel, Closed, Message
from .copied_disks import CopiedDisks
from .hooks import install
from .layered_disks import LayeredDisks
from .progress import IMPORTS
from .recorder import users_path

if TYPE_CHECKING:
    from .disks import Disks, Entering


class WarmParent:
    """State of one run: its disks and its live workers."""

    def __init__(self, channel: Channel, setup: Message, fds: list[int]) -> None:
        self.channel = channel
        self.bytecode = Bytecode(content(fds[0]) if fds else b"")
        self.threads: list[str] = []
        self._opened: list[socket.socket] = []
        self.disks: Disks
        if setup["isolation"] == "copy":
            self.disks = CopiedDisks(Path(setup["folder"]), Path(setup["project"]))
        else:
            self.disks = LayeredDisks(setup)
        self.disks.masks.take(setup["hidden"]["files"], setup["hidden"]["emptied"])

    def serve(self) -> None:
        """Answer requests until the lab goes away."""
        actions = {
            "warm": self._warm,
            "spawn": self._spawn,
            "kill": self._kill,
            "files": self._files,
            "listen": self._listen,
            "provide": self._provide,
            "forget": self._forget,
            "mask": self._mask,
            "bytecode": self._write_bytecode,
        }
        while True:
            message, fds = self.channel.receive()
            try:
                answer = actions[message["do"]](message, fds)
            except OSError as error:
                answer = {"failed": f"{type(error).__name__}: {error}"}
            finally:
                for fd in fds:
                    os.close(fd)
            self._reap()
            opened, self._opened = self._opened, []
            self.channel.send(answer, tuple(sock.fileno() for sock in opened))
            for sock in opened:
                sock.close()

    def _warm(self, message: Message, _fds: list[int]) -> Message:
        started = time.monotonic()
        missing = {}
        self.bytecode.install()
        IMPORTS.begin(self.channel)
        for name in message["modules"]:
            try:
                if not _is_users(name, tuple(message["roots"])):
                    importlib.import_module(name)
            except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit too
                missing[name] = f"{type(error).__name__}: {error}"[:300]
        _warm_tokenizer()
        self.bytecode.uninstall()
        IMPORTS.end()
        gc.freeze()
        self.threads = [str(thread) for thread in _other_threads()]
        return {
            "missing": missing,
            "threads": self.threads,
            "versions": _versions(),
            "compiled": self.bytecode.compiled,
            "seconds": time.monotonic() - started,
        }

    def _spawn(self, message: Message, fds: list[int]) -> Message:
        """Fork a worker. Descriptors: its channel, its ops, its output, then its listening socket if it has one."""
        entering = self.disks.prepare_entry(message["disk"], message)
        with entering:
            pid = os.fork()
            if pid == 0:
                self._live(message, fds, entering)
        return {"pid": pid}

    def _live(self, message: Message, fds: list[int], entering: Entering) -> NoReturn:
        """Be a worker, in a child."""
        status = 1
        try:
            self.channel.leave()
            if self.threads:
                message["bytecode"] = self._archived()
            _become_worker(message, fds, entering, fresh=bool(self.threads))
            status = 0
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:  # noqa: BLE001 - whatever it was, it is on the worker's own output
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            os._exit(status)

    def _kill(self, message: Message, _fds: list[int]) -> Message:
        pid = message["pid"]
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        for process in {pid, *(self.disks.processes(message["disk"]) if message["all"] else ())}:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        if message["wait"]:  # else it is reaped when it is gone: to take down its memory takes longer than a turn
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        return {}

    def _files(self, message: Message, _fds: list[int]) -> Message:
        return {"files": self.disks.files(message["disk"], message["markers"])}

    def _forget(self, message: Message, _fds: list[int]) -> Message:
        self.disks.forget(message["prefix"])
        return {}

    def _mask(self, message: Message, _fds: list[int]) -> Message:
        self.disks.masks.take(message["files"], message["emptied"])
        return {}

    def _write_bytecode(self, _message: Message, fds: list[int]) -> Message:
        """Write what was compiled, for later runs, to the lab's file."""
        with open(fds[0], "wb", closefd=False) as file:
            file.write(self.bytecode.archive())
        return {}

    def _archived(self) -> int:
        """A descriptor from which a fresh interpreter can read what is compiled; -1 where that is nothing."""
        if not (self.bytecode.used and hasattr(os, "memfd_create")):
            return -1
        descriptor = os.memfd_create("statecheck-bytecode", 0)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(self.bytecode.archive())
        return descriptor

    def _listen(self, message: Message, _fds: list[int]) -> Message:
        """Listen inside the namespace; the socket goes to the lab, which relays it to a service outside."""
        family = socket.AF_INET6 if ":" in message["host"] else socket.AF_INET
        self._opened = [socket.create_server((message["host"], message["port"]), family=family)]
        return {}

    def _provide(self, message: Message, fds: list[int]) -> Message:
        """Start throwaway servers in a process of their own: {pid, ports of each service, drivers}."""
        listeners = [
            [socket.create_server(("127.0.0.1", port)) for port in service["ports"]] for service in message["services"]
        ]
        folder = f"{self.disks.folder}/{message['folder']}"
        os.makedirs(folder)
        pid = os.fork()
        if pid == 0:
            try:
                self.channel.leave()
                os.setsid()
                servers.run(message["services"], listeners, folder, fds[0])
            finally:
                os._exit(1)
        ports = [[sock.getsockname()[1] for sock in sockets] for sockets in listeners]
        for sock in itertools.chain(*listeners):
            sock.close()
        drivers = [name for name in message["drivers"] if importlib.util.find_spec(name)]
        return {"pid": pid, "ports": ports, "drivers": drivers}

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _become_worker(message: Message, fds: list[int], entering: Entering, *, fresh: bool) -> None:
    gc.enable()
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in enumerate((null, fds[2], fds[2])):
        os.dup2(source, target)
    entering.arrive()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    worker_message: dict[str, Any] = {**message, "fds": fds}
    worker_message["environment"] = {**message["environment"], **entering.environment()}
    worker_message["moved"], worker_message["unheld"] = entering.list_moved(), entering.unheld
    if fresh:
        worker.execute(worker_message)
    worker.main(worker_message)


def _other_threads() -> list[int]:
    """Native threads beside this one: forking with any of them alive may deadlock the child."""
    task = Path("/proc/self/task")
    if not task.is_dir():
        import threading

        return list(range(threading.active_count() - 1))
    return [int(entry.name) for entry in task.iterdir() if int(entry.name) != os.getpid()]


def _versions() -> dict[str, str]:
    """Of the packages that decide how LlamaIndex keeps state, where they are installed."""
    from importlib import metadata

    found = {}
    for name in ("llama-index-core", "llama-index-workflows", "pydantic", "SQLAlchemy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _is_users(name: str, roots: tuple[str, ...]) -> bool:
    """Whether a module is the user's own after all: a package of their tree that is installed to be edited."""
    spec = importlib.util.find_spec(name.partition(".")[0])
    files = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
    return any(users_path(file, roots) for file in files)


def _warm_tokenizer() -> None:
    """LlamaIndex's default tokenizer takes 0.1 s at its first use: pay once."""
    utils = sys.modules.get("llama_index.core.utils")
    if utils is not None:
        with contextlib.suppress(Exception):
            utils.get_tokenizer()("warm")


def main(fd: int) -> None:
    """Run on this inherited descriptor until its other end closes."""
    # No core files, no bytecode beside the user's modules, no threads of numeric libraries and of Apache Arrow's
    # allocator that a fork would lose.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.dont_write_bytecode = True
    gc.disable()  # collections while libraries are imported find next to nothing and take a fifth of the time
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=fd))
    with contextlib.suppress(Closed):
        setup, fds = channel.receive()
        try:
            parent = WarmParent(channel, setup, fds)
        except OSError as error:
            channel.send({"failed": str(error)})
            return
        install()
        channel.send({"isolation": parent.disks.name, "limits": parent.disks.limits, "python": sys.version.split()[0]})
        parent.serve()
    os._exit(0)  # the lab waits for this; finalizing all that was imported would take a tenth of a second
