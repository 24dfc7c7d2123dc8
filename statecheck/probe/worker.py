"""One worker: loads the target in this process and serves it, telling the lab when it is ready and when turns end."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from . import executors, leftovers, outside, seeds, signed_tokens, sql, system, turns
from .absent_indexes import make_indexes
from .adapters import labels
from .barrier import BARRIER
from .bootstrap import command
from .channel import Channel, Message
from .commands import AT_FORK
from .models import configure
from .observations import run_id
from .outages import OUTAGE
from .progress import IMPORTS, run_program
from .recorder import RECORDER
from .service import SOCKET, Service, describe
from .starter import run_starter
from .target import load


def execute(message: Message) -> None:
    """Become a fresh interpreter that runs `main`: for targets whose libraries start threads when imported."""
    spec = os.memfd_create("statecheck-spawn") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    os.write(spec, json.dumps(message).encode())  # not on the command line, where others could read it
    for fd in (*message["fds"], spec, *([message["bytecode"]] if message["bytecode"] >= 0 else [])):
        os.set_inheritable(fd, True)
    program = command("worker", str(spec))
    os.execve(sys.executable, [sys.executable, "-c", program], os.environ)  # noqa: S606 - no shell on purpose


def main(message: Message | int) -> None:
    """Serve until killed. `message` is the spawn request with its descriptors under `fds`, or a file that holds it."""
    AT_FORK.update(sys.modules)
    fresh = isinstance(message, int)
    if isinstance(message, int):
        message = json.loads(os.pread(message, os.fstat(message).st_size, 0))
    assert isinstance(message, dict)
    channel_fd, ops_fd, _, *listening = message["fds"]
    channel = Channel(SOCKET(fileno=channel_fd))
    os.register_at_fork(after_in_child=channel.leave)  # what the app forks is not this worker
    sys.dont_write_bytecode = True
    os.environ.clear()
    os.environ.update(message["environment"])
    try:
        _replace_paths(message)
    except OSError as error:  # the app removed its own folder
        channel.send({"failed": "start", **describe(error)})
        return
    if "migrate" in message:
        made = message["migrate"]
        IMPORTS.begin(channel)
        run_program([sys.executable, *made["arguments"]], made["folder"])
    if fresh:
        _prepare_imports(message)
    RECORDER.open(ops_fd, tuple(message["roots"]))
    said = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    RECORDER.emit("host", name=os.uname().nodename, text=said, where=time.strftime("%z"))
    if not fresh:
        seeds.forget_draws()
        if message["seeded"]:
            seeds.reseed()
    signed_tokens.configure(message["claims"])
    labels.configure(message["passwords"])
    sql.install()
    executors.install()
    leftovers.install(turns.record_end)
    copies = tuple(os.path.dirname(here) + "/" for _, here in message["moved"])
    if copies:
        outside.install(copies, alone=message["unheld"])
    system.install(copies, tuple(message.get("provided", ())))
    from .state import watch_warnings

    watch_warnings()
    BARRIER.arrived = lambda turn, place: channel.send({"held": turn, "at": place})
    RECORDER.asked = lambda: channel.send({"asked": True})
    configure(_observe, BARRIER.hold, BARRIER.ahold, OUTAGE.strike)
    make_indexes(message.get("indexes", ()))
    IMPORTS.begin(channel)
    service = Service(message, channel, listening)
    if message["arguments"] is None:
        service.take(lambda: load(message))
    else:
        with service.told("import"):
            run_starter(message, service)


def _prepare_imports(message: Message) -> None:
    """Do in a fresh interpreter what the warm parent does before it imports anything."""
    from .hooks import install

    install()
    if message["bytecode"] >= 0:
        from .bytecode import Bytecode, content

        Bytecode(content(message["bytecode"])).install()


def _replace_paths(message: Message) -> None:
    """Take this worker's copies of the project's paths, where the disk is a copy."""
    for original, here in message["moved"]:
        for name in ("root", "path_file", "cwd"):
            value = message[name]
            if value == original or value.startswith(original + "/"):
                message[name] = here + value[len(original) :]
        message["roots"] = [here, *message["roots"]]
    os.chdir(message["cwd"])
    sys.path.insert(0, message["root"])


_MOST_MESSAGES = 200


def _observe(call: Any) -> None:
    """Record what a model was given. Assistant turns are left out: the echo repeats what it was told."""
    from .markers import find

    given = [text for role, text in call.messages if role != "assistant"]
    RECORDER.emit(
        "model",
        action="read",
        cls=call.cls,
        markers=find(given),
        text=" | ".join(f"{role}: {text}" for role, text in call.messages)[-2000:],
        frames=RECORDER.frames(3) or RECORDER.awaiting(),
        method=call.method,
        roles="".join(role[:1] for role, _ in call.messages if role in ("user", "assistant"))[-200:],
        messages=call.shapes[-_MOST_MESSAGES:],
        run=run_id(),
    )
