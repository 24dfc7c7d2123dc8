"""Celery tasks, run by a real worker with a prefork pool of one: this process is its parent, the memory its child's.

Broker and results lie in this process and its temporary folder; two workers are two of these processes.
"""

from __future__ import annotations

import importlib
import os
import socket
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from ..barrier import BARRIER
from ..channel import Channel, Closed
from ..recorder import RECORDER, TURN
from ..turns import frames_of
from .callables import CallableTarget, parameters_of
from .offer import NoApp, route

if TYPE_CHECKING:
    from ..channel import Message
    from .offer import Loaded, Offer

_TURN = "statecheck_turn"
_OFTEN = 0.02  # seconds between looks for a task, and for its result
_IN_PASSING = "work"  # is asked again and again; a child that begins need not answer for its forerunner


def adapt(offer: Offer) -> Loaded | None:
    """Take a task, or the app that has just one."""
    if offer.made_by("celery.app.base", "Celery"):
        offer.thing.loader.import_default_modules()  # as its worker does when it starts
        own = [task for name, task in offer.thing.tasks.items() if not name.startswith("celery.")]
        if len(own) != 1:
            raise NoApp(f"`{offer.name}` is a Celery app of {len(own)} tasks: name the one that takes the turns")
        return CeleryTarget(own[0], own[0].__name__)
    return CeleryTarget(offer.thing, offer.name) if offer.made_by("celery.app.task", "Task") else None


class CeleryTarget(CallableTarget):
    """A task, sent as its caller sends it and waited for."""

    def __init__(self, task: Any, name: str) -> None:
        self.task = task
        run = task.run
        facts = {
            "framework": "celery",
            "object": name,
            "parameters": parameters_of(run),
            "routes": [route("", [], name, run)],
        }
        super().__init__(self.send, facts)
        self.child = Child()

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:  # noqa: ARG002 - it has no address
        """Be the worker's parent process, whose child takes the tasks."""
        app, signals = self.task.app, importlib.import_module("celery.signals")
        results = f"file://{tempfile.mkdtemp(prefix='celery-')}"
        app.conf.update(
            result_backend=results,
            broker_transport_options={"polling_interval": _OFTEN},
            task_queues=None,  # the app's own are for other workers of it; this one takes the default queue
            task_always_eager=False,
            worker_hijack_root_logger=False,
            worker_redirect_stdouts=False,
        )
        # celery asks CELERY_BROKER_URL and its like before its configuration, and the app may read them for itself
        settings = importlib.import_module("celery.app.utils").Settings
        settings.broker_url = settings.broker_read_url = settings.broker_write_url = "memory://"
        settings.result_backend = results

        def ready(**_: Any) -> None:
            channel.send({"ready": self.facts})

        signals.worker_ready.connect(ready)
        signals.worker_process_init.connect(self.child.begin)
        signals.worker_process_shutdown.connect(_end_child)
        signals.task_prerun.connect(_begin_turn)
        signals.task_failure.connect(_note_failure)
        signals.task_postrun.connect(_end_turn)
        threading.Thread(target=self.child.hand_on, args=(channel,), daemon=True, name="statecheck").start()
        app.Worker(
            pool="prefork", concurrency=1, loglevel="WARNING", hostname=f"statecheck@{os.getpid()}", quiet=True
        ).start()
        raise RuntimeError("the worker shut itself down")

    def make_call(self, message: Message) -> Any:
        """Send the task and wait for its result."""
        queue = self.task.app.conf.task_default_queue
        headers = {_TURN: message["call"]}
        result = self.task.apply_async(
            message["args"], message["kwargs"], headers=headers, queue=queue, ignore_result=False
        )
        try:
            # we are no task, but a thread beside the worker: celery takes whatever waits in its process for one
            return result.get(interval=_OFTEN, disable_sync_subtasks=False)
        finally:
            result.forget()  # the answer is no state of the app's

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send the task; `called` does it with the turn's token."""
        return self.task.delay(*args, **kwargs)


class Child:
    """The pool's child, whichever it is now: the pool replaces one that dies or has taken its number of tasks.

    Every child inherits the same end of a socket, and says when it begins.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._ours, self._theirs = Channel(ours), Channel(theirs)
        self._asked: Message | None = None

    def send(self, message: Message) -> None:
        """In the parent: ask what the lab asks."""
        if _IN_PASSING not in message:
            self._asked = message
        self._ours.send(message)

    def hand_on(self, channel: Channel) -> None:
        """In the parent: tell the lab what a child tells; a new one is asked again what its forerunner left open."""
        while True:
            try:
                message, _ = self._ours.receive()
                if "begun" in message:
                    if self._asked is not None:
                        self._ours.send(self._asked)
                    continue
                if "held" not in message and _IN_PASSING not in message:
                    self._asked = None
                channel.send(message)
            except Closed:
                return

    def begin(self, **_: Any) -> None:
        """In a new child: its barrier, and answers to what it is asked."""
        from ..commands import obey  # late: it searches memory for apps, and adapters say what those are

        BARRIER.arrived = lambda turn, place: self._theirs.send({"held": turn, "at": place})
        self._theirs.send({"begun": os.getpid()})
        threading.Thread(target=obey, args=(self._theirs, None), daemon=True, name="statecheck").start()


def _end_child(**_: Any) -> None:
    RECORDER.emit("ended")


def _begin_turn(task: Any = None, **_: Any) -> None:
    TURN.set(task.request.get(_TURN) or 0)


def _end_turn(**_: Any) -> None:
    TURN.set(0)


def _note_failure(exception: BaseException, **_: Any) -> None:
    """Record what a task raised: its caller gets a copy without the frames."""
    error = f"{type(exception).__name__}: {exception}"[:500]
    RECORDER.emit("error", type="fail", error=error, frames=frames_of(exception))
