"""A framework's own server in this process, and a browser of ours that talks to it over loopback."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from ..system import LISTENING
from .callables import CallableTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..channel import Channel, Message


def find_mounted(app: Any, module: str) -> tuple[str, Any] | None:
    """Where a web app has an app of this module mounted: the path, and that app. None where it takes turns itself."""
    routes = list(getattr(app, "routes", None) or ())
    if any("POST" in (getattr(each, "methods", None) or ()) for each in routes):
        return None
    inner = ((each.path, each.app) for each in routes if hasattr(each, "app") and hasattr(each, "path"))
    return next(((path, each) for path, each in inner if type(each).__module__ == module), None)


def page_call(message: str, session: str, why: str) -> dict[str, Any]:
    """The facts' `told` of a page: what carries the message and the session, and how it is visited."""
    fields = {"message_field": message, "session_field": session, "why": [why]}
    return {"args": ["{session}", "{message}"], "in_tabs": True, **fields}


def name_tab(session: str, kept: Mapping[str, str]) -> str:
    """Return what tells a browser's tab from others: its session, and which `tab` of several it is."""
    return session + kept.get("tab", "")


class PageTarget(CallableTarget):
    """A page in a browser: its function also takes what the browser keeps, a dict of texts that it may change."""

    def make_call(self, message: Message) -> Any:
        """Make the call of a turn, with what the browser keeps."""
        return self.function(*message["args"], message["kept"])


class Site(PageTarget):
    """An ASGI app that only a browser can talk to, served by its environment's own uvicorn.

    Args:
        prefix: the path under which the framework's own app is mounted in this one.

    Attributes:
        address: where it serves: `http://127.0.0.1:40123`.
    """

    address = ""

    def __init__(self, app: Any, prefix: str, facts: dict[str, Any]) -> None:
        super().__init__(self.turn, facts)
        self.app = app
        self.prefix = prefix.rstrip("/")

    async def turn(self, session: str, message: str, kept: dict[str, str]) -> str:
        """Send a message in a browser tab, opened if it is new to this process; what the app answers."""
        raise NotImplementedError

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Serve the app for the browser, and run the loop for both."""
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._open())
        super().serve(sock, channel)

    async def _open(self) -> None:
        import uvicorn

        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        LISTENING.add(port)
        self.address = f"http://127.0.0.1:{port}"
        begun = asyncio.Event()

        class Server(uvicorn.Server):
            """Says when it serves."""

            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets=sockets)
                begun.set()

        server = Server(uvicorn.Config(self.app, log_level="warning", access_log=False))
        self.serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        await asyncio.wait({self.serving, asyncio.ensure_future(begun.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if server.should_exit or self.serving.done():
            raise RuntimeError("its server did not start")
