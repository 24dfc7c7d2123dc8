"""Gives up what an app has no use for in a container: capabilities, and whatever could give it more."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_VERSION_3 = 0x20080522
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219}
_JOIN_SESSION_KEYRING = 1
_LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"

CONTAINERS = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31})
"""What Docker leaves to root: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE,
NET_RAW, SYS_CHROOT, AUDIT_WRITE, SETFCAP. MKNOD is not among them here: Docker keeps devices apart by a control group.
"""

_libc = ctypes.CDLL(None, use_errno=True)


def drop() -> None:
    """Leave this thread, and all that comes of it, with what a container leaves to its user.

    Root keeps Docker's default; another user, who is one in a user namespace, keeps nothing.

    Raises:
        OSError: the kernel did not do it.
    """
    kept = CONTAINERS if os.getuid() == 0 else frozenset()
    with open(_LAST_CAPABILITY, encoding="ascii") as file:
        last = int(file.read())
    for number in range(last + 1):
        if number not in kept:
            _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # it may be gone already; what counts is asked below
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("II", _VERSION_3, 0)
    words = (ctypes.c_uint32 * 6)()
    _check(_libc.capget(header, words), "capget")
    mask = sum(1 << number for number in kept)
    permitted = (words[1] | words[4] << 32) & mask
    low, high = permitted & 0xFFFFFFFF, permitted >> 32
    _check(_libc.capset(header, struct.pack("IIIIII", low, low, 0, high, high, 0)), "capset")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if platform.machine() in _KEYCTL:
        _libc.syscall(_KEYCTL[platform.machine()], _JOIN_SESSION_KEYRING, None)  # a new one; no kernel has to have any


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
