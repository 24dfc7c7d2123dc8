"""Streamlit's test harness, made to serve several browser tabs at once, as Streamlit's server does.

By itself it runs one script at a time: each run sets globals that stand in for a server and takes them back, and all
tabs have one session id.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..recorder import TURN

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAB: ContextVar[str] = ContextVar("statecheck_tab", default="")
"""The tab whose script is run."""


class Scripts:
    """The runs of a page's script that are under way, one a tab at most.

    Attributes:
        raised: what scripts have raised, by turn: the page shows its text alone.
    """

    def __init__(self) -> None:
        self.raised: dict[int, BaseException] = {}
        self._main = sys.modules["__main__"]
        self._under_way = 0
        self._lock = threading.Lock()

    def install(self) -> None:
        """Change the harness, for good."""
        from streamlit import config
        from streamlit.testing.v1 import app_test, local_script_runner

        harness: Any = app_test
        _keep_server(harness)
        config.set_option("global.appTest", True)
        harness.patch_config_options = lambda _options: nullcontext()
        # it looks every millisecond, which in several tabs is work; how long a turn may take is the lab's to say
        local_script_runner.require_widgets_deltas = lambda runner, *_: runner._script_thread.join()  # noqa: SLF001
        _tell_tabs_apart(local_script_runner.LocalScriptRunner)
        self._note_errors()

    @contextmanager
    def run(self, tab: str) -> Iterator[None]:
        """Let what is run here be a tab's; a script's module takes the place of `__main__` while any runs."""
        token = _TAB.set(tab)
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            _TAB.reset(token)
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    sys.modules["__main__"] = self._main

    def _note_errors(self) -> None:
        from streamlit.runtime.scriptrunner import script_runner

        # a module of its own since 1.37
        runs = sys.modules.get("streamlit.runtime.scriptrunner.exec_code", script_runner)
        for name in ("handle_user_script_exception", "handle_uncaught_app_exception"):  # its name has changed
            handle: Any = getattr(runs, name, None)
            if handle is not None:
                setattr(runs, name, functools.partial(self._note_and_handle, handle))

    def _note_and_handle(self, handle: Any, error: BaseException, *others: Any) -> None:
        self.raised[TURN.get()] = error
        handle(error, *others)


def _keep_server(harness: Any) -> None:
    """Keep the stand-in for a server that the first run makes: each run sets one of its own and takes it back."""
    server: Any = harness.Runtime

    class Kept(type):
        """Takes the first stand-in."""

        def __setattr__(cls, name: str, value: Any) -> None:
            if name != "_instance":
                super().__setattr__(name, value)
            elif value is not None and server._instance is None:  # noqa: SLF001 - as the harness does
                server._instance = value  # noqa: SLF001 - as above

    harness.Runtime = Kept("Runtime", (server,), {})


def _tell_tabs_apart(runner: Any) -> None:
    """Give each tab a session id of its own, and let the thread that runs its script know which turn it serves.

    The id is one of this process: a tab that reconnects to another server is given another.
    """
    begin, run = runner.__init__, runner._run_script_thread  # noqa: SLF001 - where its thread begins

    @functools.wraps(begin)
    def begun(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self._session_id = f"{_TAB.get()}-{os.getpid()}"
        self.served_turn = TURN.get()

    @functools.wraps(run)
    def carried(self: Any) -> None:
        TURN.set(self.served_turn)
        run(self)

    runner.__init__, runner._run_script_thread = begun, carried  # noqa: SLF001 - as above
