"""An app that tries to reach everything around it, in every way that it knows: `reaching_out.py` diagnoses it.

What there is to be reached it is told in `TARGETS`; it prints what came of each way.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import ftplib
import http.client
import json
import mmap
import os
import shutil
import smtplib
import socket
import struct
import subprocess
import sys
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any

from elsewhere import in_a_child, in_a_thread, raise_last_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 0.5
_libc = ctypes.CDLL(None, use_errno=True)
said: list[str] = []


def _run(*words: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, timeout=10 * SECONDS, text=True)
    if done.returncode:
        raise ConnectionError((done.stderr.strip().splitlines() or [str(done.returncode)])[-1])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _pack(host: str, port: int) -> bytes:
    if ":" in host:
        return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI16sI", port, 0, socket.inet_pton(10, host), 0)
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))


def _in_c(host: str, port: int) -> None:
    """Past Python, as libpq and gRPC do."""
    sock = socket.socket(_family(host))
    sock.settimeout(SECONDS)
    address, number = _pack(host, port), 0
    if _libc.connect(sock.fileno(), address, len(address)):
        number = ctypes.get_errno()
        if number == errno.EINPROGRESS:
            with contextlib.suppress(TimeoutError):
                _wait_until_writable(sock)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    sock.close()
    if number:
        raise OSError(number, os.strerror(number))


def _wait_until_writable(sock: socket.socket) -> None:
    import select

    if not select.select([], [sock], [], SECONDS)[1]:
        raise TimeoutError


def _connect(host: str, port: int) -> None:
    with socket.socket(_family(host)) as sock:
        sock.settimeout(SECONDS)
        sock.connect((host, port))


def _connect_ex(host: str, port: int) -> None:
    with socket.socket(_family(host)) as sock:
        sock.settimeout(SECONDS)
        number = sock.connect_ex((host, port))
        if number:
            raise OSError(number, os.strerror(number))


def _underlying(host: str, port: int) -> None:
    import _socket

    sock = _socket.socket(_family(host))
    sock.settimeout(SECONDS)
    try:
        sock.connect((host, port))
    finally:
        sock.close()


async def _streams(host: str, port: int) -> None:
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), SECONDS)
    writer.close()


def _fast_open(host: str, port: int) -> None:
    with socket.socket(_family(host)) as sock:
        sock.settimeout(SECONDS)
        sock.sendto(b"x", socket.MSG_FASTOPEN, (host, port))


def _bound(host: str, port: int) -> None:
    """From an address and a port of the app's own choice."""
    with socket.socket(_family(host)) as sock:
        sock.settimeout(SECONDS)
        sock.bind(("::" if ":" in host else "0.0.0.0", 0))
        sock.connect((host, port))


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _ask(connection: http.client.HTTPConnection) -> None:
    with contextlib.closing(connection):
        connection.connect()


def _with_httpx(url: str) -> None:
    import httpx

    httpx.get(url, timeout=SECONDS)


def _with_requests(url: str) -> None:
    import requests

    requests.get(url, timeout=SECONDS)


def _with_aiohttp(url: str) -> None:
    import aiohttp

    async def get() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SECONDS)) as session:
            await session.get(url)

    asyncio.run(get())


_CODE = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), {seconds})"
_SENDING = "import socket, sys; s = socket.socket({family}, 2); s.sendto(b'x', (sys.argv[1], int(sys.argv[2])))"

TCP: dict[str, Callable[[str, int], object]] = {
    "connect": _connect,
    "connect_ex": _connect_ex,
    "create_connection": lambda host, port: socket.create_connection((host, port), SECONDS).close(),
    "the underlying module": _underlying,
    "asyncio": lambda host, port: asyncio.run(_streams(host, port)),
    "fast open": _fast_open,
    "own port": _bound,
    "in C": _in_c,
    "thread": lambda host, port: in_a_thread(lambda: _connect(host, port)),
    "forked child": lambda host, port: in_a_child(lambda: _connect(host, port)),
    "forked child, in C": lambda host, port: in_a_child(lambda: _in_c(host, port)),
    "another Python": lambda host, port: _run(sys.executable, "-c", _CODE.format(seconds=SECONDS), host, str(port)),
    "another Python, bare": lambda host, port: _run(
        sys.executable, "-I", "-S", "-c", _CODE.format(seconds=SECONDS), host, str(port)
    ),
    "bash": lambda host, port: _run("timeout", "1", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"),
    "curl": lambda host, port: _run("curl", "-s", "-S", "-m", "1", _url(host, port)),
    "wget": lambda host, port: _run("wget", "-q", "-T", "1", "-t", "1", "-O", "-", _url(host, port)),
    "http.client": lambda host, port: _ask(http.client.HTTPConnection(host, port, timeout=SECONDS)),
    "urllib": lambda host, port: urllib.request.urlopen(_url(host, port), timeout=SECONDS),
    "httpx": lambda host, port: _with_httpx(_url(host, port)),
    "requests": lambda host, port: _with_requests(_url(host, port)),
    "aiohttp": lambda host, port: _with_aiohttp(_url(host, port)),
    "smtplib": lambda host, port: smtplib.SMTP(host, port, timeout=SECONDS),
    "ftplib": lambda host, port: ftplib.FTP().connect(host, port, timeout=SECONDS),
}


def _send(host: str, port: int) -> None:
    with socket.socket(_family(host), socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, port))


def _send_message(host: str, port: int) -> None:
    with socket.socket(_family(host), socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, (host, port))


def _connected(host: str, port: int) -> None:
    with socket.socket(_family(host), socket.SOCK_DGRAM) as sock:
        sock.connect((host, port))
        sock.send(b"x")


def _send_in_c(host: str, port: int) -> None:
    with socket.socket(_family(host), socket.SOCK_DGRAM) as sock:
        address = _pack(host, port)
        if _libc.sendto(sock.fileno(), b"x", 1, 0, address, len(address)) < 0:
            raise_last_error()


UDP: dict[str, Callable[[str, int], object]] = {
    "sendto": _send,
    "sendmsg": _send_message,
    "connected": _connected,
    "in C": _send_in_c,
    "thread": lambda host, port: in_a_thread(lambda: _send(host, port)),
    "another Python": lambda host, port: _run(
        sys.executable, "-I", "-S", "-c", _SENDING.format(family=int(_family(host))), host, str(port)
    ),
    "bash": lambda host, port: _run("bash", "-c", f"echo x > /dev/udp/{host}/{port}"),
}


def _unix(path: str, kind: int = socket.SOCK_STREAM) -> None:
    with socket.socket(socket.AF_UNIX, kind) as sock:
        sock.settimeout(SECONDS)
        sock.connect(path)
        sock.send(b"x")


def _unix_from_there(path: str) -> None:
    def work() -> None:
        os.chdir(os.path.dirname(path))
        _unix(os.path.basename(path))

    in_a_child(work)


def _unix_by_a_link(path: str) -> None:
    link = f"link-{abs(hash(path))}"
    os.symlink(path, link)
    _unix(link)


def _unix_in_c(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        address = struct.pack("=H108s", socket.AF_UNIX, os.fsencode(path))
        if _libc.connect(sock.fileno(), address, len(address)):
            raise_last_error()


_UNIX_CODE = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
UNIX: dict[str, Callable[[str], object]] = {
    "connect": _unix,
    "from its folder": _unix_from_there,
    "by a link": _unix_by_a_link,
    "by /proc/self/root": lambda path: _unix(f"/proc/self/root{path}"),
    "by /proc/1/root": lambda path: _unix(f"/proc/1/root{path}"),
    "in C": _unix_in_c,
    "another Python": lambda path: _run(sys.executable, "-I", "-S", "-c", _UNIX_CODE, path),
}


def _raw(kind: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, kind) as sock:
        sock.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", ("198.51.100.1", 0))


def _ping() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as sock:
        sock.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", ("198.51.100.1", 0))


def _frame() -> None:
    """An Ethernet frame through an interface other than the loopback."""
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    if not names:
        raise ConnectionError("no interface but the loopback")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((names[0], 0))
        sock.send(b"\xff" * 64)


def _broadcast() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"x", ("255.255.255.255", 9))


def _multicast() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("224.0.0.251", 5353))


def _host_of_this_machine() -> None:
    with socket.socket(socket.AF_VSOCK) as sock:
        sock.settimeout(SECONDS)
        sock.connect((2, 1024))


def _sctp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132) as sock:
        sock.settimeout(SECONDS)
        sock.connect(("198.51.100.1", 80))


def _query(server: str) -> None:
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
    with socket.socket(_family(server), socket.SOCK_DGRAM) as sock:
        sock.sendto(question, (server, 53))


async def _resolve() -> None:
    await asyncio.get_running_loop().getaddrinfo("example.com", 443)


NETWORK: dict[str, Callable[[], object]] = {
    "raw ICMP": lambda: _raw(socket.IPPROTO_ICMP),
    "raw UDP": lambda: _raw(socket.IPPROTO_UDP),
    "ping": _ping,
    "Ethernet frame": _frame,
    "broadcast": _broadcast,
    "multicast": _multicast,
    "vsock": _host_of_this_machine,
    "SCTP": _sctp,
    "getaddrinfo": lambda: socket.getaddrinfo("example.com", 443),
    "gethostbyname": lambda: socket.gethostbyname("example.com"),
    "asyncio's getaddrinfo": lambda: asyncio.run(_resolve()),
    "getent": lambda: _run("getent", "ahosts", "example.com"),
    "a query to a server": lambda: _query("198.51.100.53"),
    "a query in a child": lambda: in_a_child(lambda: _query("198.51.100.53")),
}


def _signal(pid: int) -> None:
    os.kill(pid, 0)
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        if b"reaching_out" not in file.read():
            raise ProcessLookupError("it is another one")


def _attach_memory(key: int) -> None:
    if _libc.shmget(key, 0, 0) < 0:
        raise_last_error()


def _open_queue(name: str) -> None:
    library = ctypes.CDLL("librt.so.1", use_errno=True)
    if library.mq_open(name.encode(), os.O_WRONLY) < 0:
        raise_last_error()


def _map(path: str) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:1] = b"y"
        raise_unless_new = mapped[:1]
    if raise_unless_new != b"y":
        raise OSError(errno.EACCES, "not written")


def _fill(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(descriptor, b"x")
    finally:
        os.close(descriptor)


THINGS: dict[str, Callable[[Any], object]] = {
    "process": _signal,
    "memory": _attach_memory,
    "queue": _open_queue,
    "memory file": _map,
    "pipe": _fill,
}


def _attempt(work: Callable[[], object]) -> str:
    try:
        work()
    except (TimeoutError, subprocess.TimeoutExpired):
        return "timed out"
    except Exception as error:
        return f"refused: {type(error).__name__}: {error}"[:200]
    return "done"


def list_attempts(targets: dict[str, Any]) -> Iterator[tuple[str, str, Any, Callable[[], object]]]:
    """Yield every way to every target: its group, its name, the target, and how it is gone."""
    for group, ways in (("TCP", TCP), ("UDP", UDP)):
        for host, port in targets[group]:
            yield from ((group, way, [host, port], partial(go, host, port)) for way, go in ways.items())
    for path in targets["UNIX"]:
        yield from (("UNIX", way, path, partial(go_there, path)) for way, go_there in UNIX.items())
    for name, start in (("SSH_AUTH_SOCK", ""), ("DBUS_SESSION_BUS_ADDRESS", "unix:path="), ("DOCKER_HOST", "unix://")):
        path = os.environ.get(name, "").removeprefix(start)
        yield "UNIX", name, path, partial(_unix, path)
    for path, kind in targets["OTHER UNIX"]:
        yield "UNIX", f"kind {kind}", path, partial(_unix, path, kind)
    for way, go_anywhere in NETWORK.items():
        yield "network", way, "", go_anywhere
    for way, thing in targets["THINGS"].items():
        yield "kernel", way, thing, partial(THINGS[way], thing)


def reach(targets: dict[str, Any]) -> None:
    """Try every way to every target for which this machine has the program."""
    for group, way, target, work in list_attempts(targets):
        if way not in ("bash", "curl", "wget") or shutil.which(way):
            print("TRIED", json.dumps([group, way, target, _attempt(work)]), flush=True)
    print("ALL WAS TRIED", flush=True)


def reply(session_id: str, text: str) -> str:
    """Answer a turn; in the first of a process all is tried."""
    earlier = list(said)
    said.append(text)
    if not earlier and os.environ.get("TARGETS"):
        reach(json.loads(os.environ["TARGETS"]))
    return str(earlier)
