"""Run a command for which the kernel refuses some system calls, as the filter of a container's does.

    python tests/system_calls.py unshare,landlock_create_ruleset COMMAND ...

So what statecheck does on a machine that has no namespaces, or no Landlock, is tried where both are to be had.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"unshare": 272, "landlock_create_ruleset": 444},
    "aarch64": {"unshare": 97, "landlock_create_ruleset": 444},
}
ANSWERS = {"unshare": errno.EPERM, "landlock_create_ruleset": errno.ENOSYS}
"""What a container's default filter answers, and a kernel that does not have the call."""
KNOWN = sys.platform.startswith("linux") and platform.machine() in NUMBERS
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of the kernel's filter machine
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


def refuse(names: list[str]) -> None:
    """Let the kernel refuse these calls to this process, and to all that comes of it.

    Raises:
        OSError: it takes no filter.
    """
    program = struct.pack("HBBI", _LOAD_NUMBER, 0, 0, 0)
    for name in names:
        number = NUMBERS[platform.machine()][name]
        program += struct.pack("HBBI", _JUMP_IF_EQUAL, 0, 1, number) + struct.pack(
            "HBBI", _RETURN, 0, 0, _ERROR | ANSWERS[name]
        )
    program += struct.pack("HBBI", _RETURN, 0, 0, _ALLOW)
    held = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _FILTER, described, 0, 0):
        raise OSError(ctypes.get_errno(), "no filter of system calls")


if __name__ == "__main__":
    refuse(sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
