"""Serves an ASGI app under its environment's own uvicorn, on a socket that the lab bound."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

from .channel import Channel, Message
from .recorder import TASKS, TURN
from .target import location


class AsgiTarget:
    """An ASGI app, with what its routes tell of it."""

    def __init__(self, app: Any, name: str) -> None:
        self.app = app
        self.name = name

    def facts(self) -> dict[str, Any]:
        """Framework, routes and OpenAPI document, as far as the app has them."""
        openapi = None
        if hasattr(self.app, "openapi"):
            try:
                openapi = self.app.openapi()
            except Exception as error:  # noqa: BLE001 - models that have no schema: the handler's source must do
                logging.getLogger("statecheck").warning("no OpenAPI document: %s", error)
        framework = type(self.app).__module__.split(".")[0]
        return {
            "framework": framework if framework in ("fastapi", "starlette") else "asgi",
            "object": self.name,
            "routes": list(_routes(self.app, "")),
            "openapi": openapi,
        }

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        import uvicorn

        from .worker import finish_turn

        async def served(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
                return
            turn = scope["client"][1] if scope.get("client") else 0
            token = TURN.set(turn)
            task = asyncio.current_task()
            if task is not None:
                TASKS[turn] = task
            error: BaseException | None = None
            try:
                await self.app(scope, receive, send)
            except BaseException as raised:
                error = raised
                raise
            finally:
                finish_turn(channel, turn, error)
                TURN.reset(token)

        facts = self.facts()

        class Server(uvicorn.Server):
            """Says when it is ready."""

            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets=sockets)
                if not self.should_exit:
                    channel.send({"ready": facts})

        # asyncio's own loop: a loop in C would send bytes that no hook sees
        config = uvicorn.Config(served, loop="asyncio", log_level="warning", access_log=False, lifespan="auto")
        config.load()
        Server(config).run(sockets=[sock] if sock is not None else None)
        raise RuntimeError("the app's start-up (lifespan) failed or it shut itself down")

    def call(self, message: Message, channel: Channel) -> None:
        raise NotImplementedError("an ASGI app is driven by requests")


def _routes(app: Any, prefix: str) -> Any:
    for route in getattr(app, "routes", None) or ():
        path = prefix + str(getattr(route, "path", ""))
        endpoint = getattr(route, "endpoint", None)
        inner = getattr(route, "app", None)
        if endpoint is None and inner is not None and getattr(inner, "routes", None):
            yield from _routes(inner, path)
            continue
        if endpoint is None:
            continue
        file, line = location(endpoint)
        methods = sorted(getattr(route, "methods", None) or ())
        if isinstance(endpoint, type):  # Starlette's HTTPEndpoint: a method a verb
            verbs = [verb for verb in ("get", "post", "put", "patch") if hasattr(endpoint, verb)]
            for verb in verbs:
                file, line = location(getattr(endpoint, verb))
                yield {"path": path, "methods": [verb.upper()], "name": endpoint.__name__, "file": file, "line": line}
            continue
        name = str(getattr(endpoint, "__name__", type(endpoint).__name__))
        yield {"path": path, "methods": methods, "name": name, "file": file, "line": line}
