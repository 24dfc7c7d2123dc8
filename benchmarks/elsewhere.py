"""Work done in another thread or another process, and what C says: for the apps that try everything.

It lies beside them where they run, so it imports the standard library alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections.abc import Callable

Work = Callable[[], object]


def in_a_thread(work: Work) -> None:
    """Do it in a thread; raise what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def in_a_child(work: Work) -> None:
    """Do it in a forked child.

    Raises:
        OSError: it failed there: with its number, or as not permitted where it has none.
    """
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except TimeoutError:
            os._exit(errno.ETIMEDOUT)
        except BaseException as error:
            os._exit(getattr(error, "errno", None) or errno.EPERM)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise OSError(abs(status), os.strerror(abs(status)))


def raise_last_error() -> None:
    """Raise what the last call of a C function, by a library opened with `use_errno`, left as its error.

    Raises:
        OSError: always.
    """
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
