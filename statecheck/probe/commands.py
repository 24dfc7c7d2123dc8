"""What the lab asks of a worker while the target serves: the barrier, outages, places in memory, modules, calls."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from .barrier import BARRIER
from .channel import Channel, Closed
from .outages import OUTAGE
from .places import locate
from .recorder import RECORDER, TASKS

if TYPE_CHECKING:
    from .channel import Message

AT_FORK: set[str] = set()
"""The modules that this worker did not have to import."""


def obey(channel: Channel, target: Any) -> None:
    """Answer the lab until it is gone.

    Args:
        channel: to the lab, or to the process that hands its messages on.
        target: what is served; of one that lives in a child of this process, `child` is the channel to it.
    """
    while True:
        try:
            message, _ = channel.receive()
            _answer(message, channel, target)
        except Closed:  # the lab is gone, and nobody is left to serve
            os._exit(0)
        except Exception:  # noqa: BLE001 - a probe that fails must not leave the lab waiting
            channel.send({"error": traceback.format_exc()[-2000:]})


def _answer(message: Message, channel: Channel, target: Any) -> None:
    if "call" in message:
        target.call(message, channel)
        return
    _set_barrier(message)
    if "outage" in message:
        OUTAGE.begin()
    child = getattr(target, "child", None)
    if child is not None:  # the app's memory is there; one that is forked later inherits the barrier from here
        child.send(message)
    elif "hold" in message:
        channel.send({"holding": True})
    elif "outage" in message:
        channel.send({"outage": True})
    elif "locate" in message:
        found = locate(message["locate"], message["keys"], deep=message["deep"], under_way=message["under_way"])
        channel.send({"places": found})
    elif "modules" in message:
        channel.send({"modules": _imported_since_fork()})
    elif "work" in message:
        channel.send({"work": time.process_time()})
    elif "waits" in message:
        channel.send({"waits": _where_it_waits()})


def _set_barrier(message: Message) -> None:
    if "hold" in message:
        BARRIER.close(at_reads=message["hold"] == "reads", states=message["states"], alone=message["alone"])
    elif "next-round" in message:
        BARRIER.begin_round(message["turn"], models_only=message["models-only"])
    elif "release" in message:
        BARRIER.open()


def _where_it_waits() -> list[Any]:
    """(path, line) of the user's innermost frame in a thread that runs or, else, in a task that waits for its turn."""
    ours = threading.get_ident()
    for thread, innermost in sys._current_frames().items():  # noqa: SLF001 - the one way to see another thread
        frame = innermost if thread != ours else None
        while frame is not None:
            path = RECORDER.relative(frame.f_code.co_filename)
            if path:
                return [path, frame.f_lineno or 0]
            frame = frame.f_back
    waiting = filter(None, (RECORDER.suspended(task) for task in list(TASKS.values()) if not task.done()))
    return next(([path, line] for (path, line, _), *_ in waiting), [])


def _imported_since_fork() -> list[str]:
    """Third-party modules that serving the target has imported, many of them late, in the order of their import."""
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name not in AT_FORK and file and not RECORDER.relative(file) and not name.startswith("statecheck_probe"):
            found.append(name)
    return found
