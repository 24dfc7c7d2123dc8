"""Runs what builds an app and starts its server, as it is run by hand: what that server is given is the target."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from .adapters.offer import Offer, ServedNothing
from .caught_servers import STARTED, Noting, Serving, catch_servers
from .notebooks import is_notebook, read_script
from .server_starts import SCRIPT
from .target import adapt, import_module, resolve

if TYPE_CHECKING:
    from .adapters.offer import Loaded
    from .channel import Message
    from .service import Service


def run_starter(message: Message, service: Service) -> None:
    """Import the module and run what starts its app; the app is served in place of its own server, until killed.

    Args:
        message: the request to spawn: `object` is `main()` or `__main__`, `arguments` what its command line has.
        service: serves in this process.

    Raises:
        ServedNothing: it came to its end.
        BaseException: whatever the app's own code raises.
    """
    name = message["object"]

    def offer(thing: Any) -> Loaded:
        # where what the app keeps is found, of which only a frame may know
        setattr(sys.modules.get(message["module"], module), name, thing)
        return adapt(Offer(thing, name, message["framework"], message["threads"]))

    def serve(thing: Any) -> None:
        service.take(functools.partial(offer, thing))
        _leave()

    async def aserve(thing: Any) -> None:
        await service.atake(functools.partial(offer, thing))
        _leave()

    sys.argv = [message["path_file"], *message["arguments"]]
    serving = Serving(serve, aserve)
    module = ModuleType(message["module"])
    ended = ""
    try:
        with catch_servers(Noting() if name != SCRIPT or _read_guarded(message["path_file"]) else serving):
            module = import_module(message["module"], message["path_file"])
        with catch_servers(serving):
            _run(module, name)
    except SystemExit as leaving:  # a script may end so, with or without what it is to have on its command line
        ended = f" (exit {leaving.code})"
    with catch_servers(serving):
        _wait_for_threads()
    if serving.begun:  # in a thread that ends with this one
        threading.Event().wait()
    if not STARTED:
        raise ServedNothing(f"`{name}` came to its end{ended} and served nothing")
    sys.modules.setdefault(module.__name__, module)
    service.take(functools.partial(offer, STARTED[-1]))


def _run(module: ModuleType, name: str) -> None:
    if name != SCRIPT:
        made = resolve(module, name)
        if inspect.iscoroutine(made):
            asyncio.run(made)
        return
    path = str(module.__file__)
    body = _read_guarded(path)
    sys.modules[SCRIPT] = module
    exec(compile(ast.Module(body, []), path, "exec"), vars(module))  # noqa: S102 - the user's own file


def _read_guarded(path: str) -> list[ast.stmt]:
    """Return what a file runs only where it is run itself; where that is nothing, importing it starts the app."""
    data = Path(path).read_bytes()
    parts = ast.parse(read_script(data) if is_notebook(path) else data).body
    return [node for part in parts if isinstance(part, ast.If) and _is_guard(part.test) for node in part.body]


def _is_guard(test: ast.expr) -> bool:
    """Whether this is `__name__ == "__main__"`."""
    sides = [test.left, *test.comparators] if isinstance(test, ast.Compare) else []
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == SCRIPT for side in sides
    )


def _wait_for_threads() -> None:
    """Wait as an interpreter does before it ends: a server may run in a thread."""
    ours = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not ours and not thread.daemon:
            thread.join()


def _leave() -> NoReturn:
    """End the process: nothing that stands behind the call of the server is to be run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
