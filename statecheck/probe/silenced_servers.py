"""Servers that a module starts while it is imported: they return at once, as this worker serves the app."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_importing = False
STARTED: list[Any] = []
"""What the servers that were not started would have served, or are methods of."""


@contextlib.contextmanager
def none_started() -> Iterator[None]:
    """Let no server be started in here: the target is being imported."""
    global _importing  # noqa: PLW0603 - the app calls the patched functions, and passes them nothing
    _importing = True
    try:
        yield
    finally:
        _importing = False


def _silent(*names: str) -> Callable[[ModuleType], None]:
    """A patch of these functions or methods (`Flask.run`) of a module."""

    def patch(module: ModuleType) -> None:
        for dotted in names:
            owner, _, name = dotted.rpartition(".")
            place = getattr(module, owner, None) if owner else module
            found = inspect.getattr_static(place, name, None)
            if isinstance(found, classmethod):
                setattr(place, name, classmethod(_unless_importing(found.__func__)))
            elif found is not None:
                setattr(place, name, _unless_importing(found))

    return patch


def _unless_importing(start: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(start):

        @functools.wraps(start)
        async def soon(*args: Any, **kwargs: Any) -> Any:
            return STARTED.extend(args[:1]) if _importing else await start(*args, **kwargs)

        return soon

    @functools.wraps(start)
    def started(*args: Any, **kwargs: Any) -> Any:
        return STARTED.extend(args[:1]) if _importing else start(*args, **kwargs)

    return started


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "uvicorn.main": _silent("run"),
    "uvicorn.server": _silent("Server.run", "Server.serve"),
    "hypercorn.asyncio": _silent("serve"),
    "hypercorn.run": _silent("run"),
    "waitress": _silent("serve"),
    "waitress.server": _silent("BaseWSGIServer.run", "MultiSocketServer.run"),
    "wsgiref.simple_server": _silent("WSGIServer.serve_forever"),
    "werkzeug.serving": _silent("run_simple"),
    "flask.app": _silent("Flask.run"),
    "quart.app": _silent("Quart.run", "Quart.run_task"),
    "sanic.mixins.startup": _silent("StartupMixin.run", "StartupMixin.serve", "StartupMixin.serve_single"),
    "gevent.baseserver": _silent("BaseServer.serve_forever"),
    "gradio.blocks": _silent("Blocks.launch"),
    "aiohttp.web": _silent("run_app"),
    "slack_bolt.app.app": _silent("App.start"),
    "slack_bolt.app.async_app": _silent("AsyncApp.start"),
    "slack_bolt.adapter.socket_mode.base_handler": _silent(
        "BaseSocketModeHandler.start", "BaseSocketModeHandler.connect"
    ),
    "slack_bolt.adapter.socket_mode.async_base_handler": _silent(
        "AsyncBaseSocketModeHandler.start_async", "AsyncBaseSocketModeHandler.connect_async"
    ),
    "telegram.ext._application": _silent("Application.run_polling", "Application.run_webhook"),
    "aiogram.dispatcher.dispatcher": _silent("Dispatcher.run_polling", "Dispatcher.start_polling"),
    "telebot": _silent("TeleBot.polling", "TeleBot.infinity_polling", "TeleBot.run_webhooks"),
    "telebot.async_telebot": _silent(
        "AsyncTeleBot.polling", "AsyncTeleBot.infinity_polling", "AsyncTeleBot.run_webhooks"
    ),
}
"""`uvicorn` itself takes `run` from `uvicorn.main` when it is imported, which is patched by then."""
