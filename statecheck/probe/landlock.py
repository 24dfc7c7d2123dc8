"""Landlock: what a process and all that it starts may not do any more, without any privilege (Linux 5.19 and later).

It is what keeps C code and other programs to the rules where there are no namespaces. Its rules only allow, so what is
to be forbidden is left out of what is allowed around it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on all architectures but Alpha
_PATH_BENEATH, _PORT = 1, 2
_PR_SET_NO_NEW_PRIVS = 38
_WRITE_FILE, _READ_FILE = 1 << 1, 1 << 2
_OF_FOLDERS = 0x1FF0  # removing and making
_REFER = 1 << 13  # moving from one folder to another: forbidden by any rules that do not allow it
_TRUNCATE = 1 << 14  # from version 3 on
_CONNECT_TCP = 1 << 1  # from version 4 on
_SCOPES = 3  # from version 6 on: abstract Unix sockets, and signals

NETWORK, SCOPES = 4, 6
"""The versions from which on connections can be forbidden, and signals."""
_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"

_libc = ctypes.CDLL(None, use_errno=True)


def find_version() -> int:
    """Return the version that this kernel has, 0 if none, or the first, which lets nobody move a file."""
    if not sys.platform.startswith("linux"):
        return 0
    version = int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1))
    return version if version > 1 else 0


def list_own_ports() -> range:
    """Return the ports that this machine gives to whoever asks for any: those at which an app may serve itself."""
    try:
        with open(_RANGE, encoding="ascii") as file:
            first, last = map(int, file.read().split())
    except OSError:
        return range(32768, 61000)
    return range(first, last + 1)


def restrict(rules: int) -> None:
    """Hold this thread, and all that comes of it, to these rules for good.

    Raises:
        OSError: the kernel did not do it.
    """
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(_libc.syscall(_RESTRICT, rules, 0), "landlock_restrict_self")


def make_write_rules(version: int, folders: Iterable[str]) -> int:
    """Return a descriptor of rules by which nothing can be written but below these folders, or to these files.

    Raises:
        OSError: the kernel refused.
    """
    to_files = _WRITE_FILE | (_TRUNCATE if version >= 3 else 0)
    rights = to_files | _OF_FOLDERS | _REFER
    rules = _make(version, rights, 0, 0)
    for path in folders:
        _allow(rules, path, rights, to_files)
    return rules


def make_worker_rules(version: int) -> int:
    """Return a descriptor of rules for workers, to which what they may is to be added: `allow_ports`, `allow_reading`.

    Raises:
        OSError: the kernel refused.
    """
    network, scopes = _CONNECT_TCP if version >= NETWORK else 0, _SCOPES if version >= SCOPES else 0
    rules = _make(version, _READ_FILE | _REFER, network, scopes)
    _allow(rules, "/", _REFER, 0)
    return rules


def allow_ports(rules: int, ports: Iterable[int]) -> None:
    """Allow TCP connections to these ports, whatever the address.

    Raises:
        OSError: the kernel refused.
    """
    for port in ports:
        attributes = ctypes.create_string_buffer(struct.pack("=QQ", _CONNECT_TCP, port), 16)
        _check(_libc.syscall(_ADD_RULE, rules, _PORT, attributes, 0), "landlock_add_rule")


def allow_reading(rules: int, hidden: Iterable[str]) -> None:
    """Allow reading everything but these files, and what is in these folders."""
    unseen = [os.path.realpath(path) for path in hidden]
    for path in _list_around(unseen) if unseen else ("/",):
        _allow(rules, path, _READ_FILE, _READ_FILE)


def _make(version: int, of_files: int, of_network: int, scopes: int) -> int:
    parts = [of_files, of_network, scopes][: 1 if version < NETWORK else 2 if version < SCOPES else 3]
    attributes = struct.pack(f"={len(parts)}Q", *parts)
    rules = int(_libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    _check(min(rules, 0), "landlock_create_ruleset")
    return rules


def _allow(rules: int, path: str, rights: int, of_a_file: int) -> None:
    """Allow this at a path and below it; what is gone, or cannot be opened, needs no rule."""
    with contextlib.suppress(OSError):
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            is_folder = stat.S_ISDIR(os.fstat(beneath).st_mode)
            attributes = struct.pack("=Qi", rights if is_folder else of_a_file, beneath)
            _check(_libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, attributes, 0), "landlock_add_rule")
        finally:
            os.close(beneath)


def _list_around(hidden: list[str]) -> Iterator[str]:
    """Yield paths that hold everything but what is hidden: what lies beside it, and beside the folders it is in."""
    above = {path[:at] or "/" for path in hidden for at, letter in enumerate(path) if letter == "/"}
    for folder in above:
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                path = f"{folder.rstrip('/')}/{name}"
                # a link may lead back to what is hidden; what it leads to has a rule of its own where that lies
                if path not in above and path not in hidden and not os.path.islink(path):
                    yield path


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
