"""By which commands a process gets namespaces of its own: what this user, on this kernel, may do is found by trying."""

from __future__ import annotations

import os
import shutil
import sys

_KINDS = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child=KILL", "--mount-proc")
_IN_ONE_OF_ITS_USER = ("--map-current-user", "--keep-caps")


def find_obstacle() -> str:
    """Why there is nothing to try: another system, or a program that is missing; "" if there is."""
    if not sys.platform.startswith("linux"):
        return f"no namespaces on {sys.platform}"
    missing = [tool for tool in ("unshare", "setpriv") if shutil.which(tool) is None]
    return f"`{missing[0]}` of util-linux is missing" if missing else ""


def list_commands() -> list[list[str]]:
    """What a command is put behind to be run in namespaces, likeliest first: where one is refused, the next may not be.

    As it is, a process may if it has `CAP_SYS_ADMIN`. Root in a container mostly has not, and some other users have; in
    a user namespace of its own, which the kernel may refuse too, anybody has it.
    """
    plain, own = ([*extra, *_KINDS] for extra in ((), _IN_ONE_OF_ITS_USER))
    ordered = (own, plain) if os.getuid() else (plain, own)
    return [["setpriv", "--pdeathsig", "KILL", "--", "unshare", *options] for options in ordered]
