"""Try to reach beyond a run from inside, in every way, and listen whether anything arrives.

    python benchmarks/reaching_out.py [--who root ordinary bounded] [--isolation namespace copy] [--refuse CALL ...]

An app of ours (`reaching.py`) tries addresses that are reserved for documentation, this machine's loopback and its
other addresses, on which this program listens; Unix sockets in the folders where services have theirs; name servers,
raw packets and other families; and what processes share without a network: signals, memory, queues, pipes. A way has
failed if this program was reached, if the app says that it was done, or if it had to wait: then something was sent. (A
datagram to the loopback is always done: it goes to the run's own.)

Runs in copies are judged by what is promised of these: what their report names as not prevented is counted apart. TCP
is listened for at fixed ports, as services do, and not at those that the system gives to whoever asks for any.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import ctypes
import itertools
import json
import os
import socket
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import elsewhere
import reaching

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import system_calls
from machines import EVERYBODY, Machine, ordinary_python

from statecheck.probe import landlock

_BEYOND = ("198.51.100.1", "2001:db8::1")  # for documentation (RFC 5737, RFC 3849): nobody has them
_SYSTEM = ("/run", "/opt", "/var/lib", "/srv", "/tmp", "/var/tmp", "/dev/shm", "/etc", "/usr/local")
_OWN = ("home", "tmp", "shared", "grouped", "foreign/mine", "foreign/project")
_UDP = {"UDP": ("in C", "another Python", "bash"), "network": ("ping", "getent")}
_SOCKETS = {"UNIX": ("in C", "another Python")}
_OPEN: dict[str, dict[str, tuple[str, ...]]] = {
    "and by UDP and to Unix sockets that C code": {**_UDP, **_SOCKETS},
    "connections that C code and other programs make": {
        **_UDP,
        **_SOCKETS,
        "TCP": ("in C", "forked child, in C", "another Python", "another Python, bare", "bash", "curl"),
    },
    "what is shared by name in memory": {"kernel": ("memory", "memory file")},
    "messages to queues": {"kernel": ("queue",)},
    "signals to your processes": {"kernel": ("process",)},
}
"""{words of what a report says that its isolation cannot prevent: {group: ways of which this is true}}."""
_IPC_CREAT, _IPC_RMID, _KEY = 0o1000, 0, 0x5C5C5C


@dataclass
class Listeners:
    """All that the app could reach on this machine.

    Attributes:
        reached: what somebody came to.
    """

    stack: contextlib.ExitStack
    reached: list[str] = field(default_factory=list)

    def add(self, family: int, kind: int, address: Any) -> Any:
        """Listen there until the stack is closed; return the address."""
        sock = self.stack.enter_context(socket.socket(family, kind))
        _bind(sock, address)
        if family == socket.AF_UNIX and not address.startswith("\0"):
            Path(address).chmod(0o777)
            self.stack.callback(Path(address).unlink)
        address = sock.getsockname() if family != socket.AF_UNIX else address
        if kind != socket.SOCK_DGRAM:
            sock.listen(100)
        threading.Thread(target=self._wait, args=(sock, kind, str(address)), daemon=True).start()
        return address

    def _wait(self, sock: socket.socket, kind: int, name: str) -> None:
        while True:
            try:
                if kind == socket.SOCK_DGRAM:
                    sock.recv(1)
                else:
                    sock.accept()[0].close()
            except OSError:
                return
            self.reached.append(name)


def _bind(sock: socket.socket, address: Any) -> None:
    """Bind a socket: where any port will do, at one below those that are given to whoever asks for any."""
    for port in range(landlock.list_own_ports()[0] - 1, 1024, -1):
        if not isinstance(address, tuple) or address[1]:
            break
        with contextlib.suppress(OSError):
            sock.bind((address[0], port))
            return
    sock.bind(address)


def prepare(machine: Machine, listeners: Listeners) -> dict[str, Any]:
    """Listen wherever something could be reached; return what the app is told of it."""
    hosts = ["127.0.0.1", "::1", *_find_own_addresses()]
    targets: dict[str, Any] = {"TCP": [[host, 80] for host in _BEYOND], "UDP": [[host, 9] for host in _BEYOND]}
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for group, kind in (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM)):
            with contextlib.suppress(OSError):  # a machine without IPv6
                targets[group].append(list(listeners.add(family, kind, (host, 0))[:2]))
    name = f"reaching-out-{machine.who}-{os.getpid()}"
    folders = [str(machine.root / folder) for folder in _OWN]
    folders += [folder for folder in _SYSTEM if os.access(folder, os.W_OK)]
    paths = [listeners.add(socket.AF_UNIX, socket.SOCK_STREAM, f"{folder}/{name}.sock") for folder in folders]
    paths.append(listeners.add(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{name}"))
    others = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        for folder in (str(machine.root / "shared"), folders[-1]):
            path = listeners.add(socket.AF_UNIX, kind, f"{folder}/{name}-{int(kind)}.sock")
            others.append([path, int(kind)])
    return {**targets, "UNIX": paths, "OTHER UNIX": others, "THINGS": _make_things(machine, listeners.stack)}


def _find_own_addresses() -> list[str]:
    """The address from which this machine would go to the Internet; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.connect((_BEYOND[0], 9))
        return [sock.getsockname()[0]]
    return []


def _make_things(machine: Machine, stack: contextlib.ExitStack) -> dict[str, Any]:
    """Make what processes share without a network."""
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(_KEY, 4096, _IPC_CREAT | 0o666)
    stack.callback(libc.shmctl, segment, _IPC_RMID, None)
    queues = ctypes.CDLL("librt.so.1", use_errno=True)
    queue = f"/reaching-out-{os.getpid()}"
    queues.mq_open(queue.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
    stack.callback(queues.mq_unlink, queue.encode())
    memory = Path(f"/dev/shm/reaching-out-{os.getpid()}")
    memory.write_bytes(b"x" * 100)
    memory.chmod(0o666)
    stack.callback(memory.unlink)
    pipe = machine.root / "foreign" / "mine" / "pipe"
    os.mkfifo(pipe)
    machine.give("foreign/mine/pipe", "user", 0o666)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    stack.callback(os.close, reader)
    return {"process": os.getpid(), "memory": _KEY, "queue": queue, "memory file": str(memory), "pipe": str(pipe)}


def run(who: str, isolation: str, refused: tuple[str, ...]) -> tuple[Counter[str], list[str], int]:
    """Try everything as this user, where the kernel refuses these calls.

    Returns:
        How many ways of each group were tried, which failed, and how many the report names as not prevented.

    Raises:
        RuntimeError: the app did not come to an end.
    """
    machine = Machine(who, isolation, refused)
    try:
        with contextlib.ExitStack() as stack:
            listeners = Listeners(stack)
            targets = prepare(machine, listeners)
            for module, name in ((reaching, "app.py"), (elsewhere, "elsewhere.py")):
                (machine.project / name).write_text(Path(module.__file__).read_text())
            home = targets["UNIX"][0]
            services = {
                "SSH_AUTH_SOCK": home,
                "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home}",
                "DOCKER_HOST": f"unix://{home}",
            }
            report = machine.diagnose(
                "--only", "same-process", "--timeout", "120", TARGETS=json.dumps(targets), **services
            )
            said, ended, _ = machine.output().partition("ALL WAS TRIED")  # a process each: the first one's are enough
            if not ended:
                raise RuntimeError(f"the app did not come to an end: {report['errors']}")
            words = [line.removeprefix("TRIED ") for line in said.splitlines() if line.startswith("TRIED ")]
            tried = [json.loads(word) for word in words]
            done = [each for each in tried if not each[3].startswith("refused")]
            limits = " ".join(report["notes"])
            left_open = [ways for words, ways in _OPEN.items() if words in limits]
            named = [each for each in done if any(each[1] in ways.get(each[0], ()) for ways in left_open)]
            failed = [
                f"{each[0]}, {each[1]}: {each[2]}: {each[3]}" for each in done if each not in named and _left(*each)
            ]
            came_by = {str(target) for _, _, target, _ in named}
            failed += [f"reached: {name}" for name in listeners.reached if _tell(name) not in came_by]
            return Counter(group for group, _, _, _ in tried), failed, len(named)
    finally:
        machine.remove()


def _tell(name: str) -> str:
    """The name of a listener as the app is told it."""
    return str(list(ast.literal_eval(name)[:2])) if name.startswith("(") else name


def _left(group: str, _way: str, target: Any, _came: str) -> bool:
    """Whether something may have left the run by a way that was not refused."""
    return group != "UDP" or target[0] not in ("127.0.0.1", "::1")


def main() -> int:
    """Try as each user, print the tables; 1 if anything was reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--who", choices=EVERYBODY, nargs="*", default=EVERYBODY)
    parser.add_argument("--isolation", choices=("namespace", "copy"), nargs="*", default=("namespace", "copy"))
    parser.add_argument("--refuse", choices=system_calls.ANSWERS, nargs="*", default=())
    options = parser.parse_args()
    failures = 0
    for isolation, who in itertools.product(options.isolation, options.who):
        if who == "ordinary" and ordinary_python() is None:
            print("as an ordinary user: left out: no interpreter that one may run has the packages")
            continue
        tried, failed, named = run(who, isolation, tuple(options.refuse))
        print(f"\n{f'as {who}, {isolation}':20} tried")
        for group, number in tried.items():
            print(f"{group:20} {number:5}")
        counts = f"tried {sum(tried.values())}, failed {len(failed)}, named by the report {named}"
        print(f"reaching out as {who}, {isolation}: {counts}")
        for line in failed:
            print(f"  {line}")
        failures += len(failed)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
