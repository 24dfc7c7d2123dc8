"""Serves an ASGI app under its environment's own uvicorn, on a socket that the lab bound."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any

from .recorder import TASKS, TURN
from .target import location

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from .channel import Channel, Message


class AsgiTarget:
    """An ASGI app, with what its routes tell of it."""

    def __init__(self, app: Any, name: str) -> None:
        self.app = app
        self.name = name
        self.start_error: BaseException | None = None

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
        """Serve on this socket until killed."""
        import uvicorn

        from .worker import finish_turn

        # asyncio's own loop: a loop in C would send bytes that no hook sees
        config = uvicorn.Config(self.app, loop="asyncio", log_level="warning", access_log=False, lifespan="auto")
        config.load()
        app = config.loaded_app  # with uvicorn's own middleware, which may replace the client's address

        async def served(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                try:
                    await app(scope, receive, send)
                except BaseException as raised:
                    self.start_error = raised
                    raise
                return
            turn = scope["client"][1] if scope.get("client") else 0
            token = TURN.set(turn)
            task = asyncio.current_task()
            if task is not None:
                TASKS[turn] = task
            error: BaseException | None = None
            try:
                await app(scope, receive, send)
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

        config.loaded_app = served
        # what a turn raises has been shown by then
        logging.getLogger("uvicorn.error").addFilter(lambda line: "Exception in ASGI application" not in line.msg)
        try:
            Server(config).run(sockets=[sock] if sock is not None else None)
        except SystemExit as leaving:  # uvicorn's, after the app's own start-up failed
            raise self.start_error or leaving from None
        raise RuntimeError("the app shut itself down")

    def call(self, message: Message, channel: Channel) -> None:
        """Nothing can be called: an app is driven by requests."""
        raise NotImplementedError("an ASGI app is driven by requests")


def _routes(app: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Every endpoint with its whole path, those of routers and mounted apps too."""
    for route in _flat(getattr(app, "routes", None) or ()):
        path = prefix + str(getattr(route, "path", None) or "")
        endpoint = getattr(route, "endpoint", None)
        if endpoint is None:
            inner = getattr(getattr(route, "original_route", route), "app", None)
            if getattr(inner, "routes", None):
                yield from _routes(inner, path)
        elif isinstance(endpoint, type):  # Starlette's HTTPEndpoint: a method a verb
            for verb in ("get", "post", "put", "patch"):
                if hasattr(endpoint, verb):
                    yield _route(path, [verb.upper()], endpoint.__name__, getattr(endpoint, verb))
        else:
            name = str(getattr(endpoint, "__name__", type(endpoint).__name__))
            yield _route(path, sorted(getattr(route, "methods", None) or ()), name, endpoint)


def _flat(routes: Any) -> Any:
    """FastAPI keeps an included router's routes behind one route of its own; it knows how to list them."""
    listing = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    return listing(routes) if listing is not None else routes


def _route(path: str, methods: list[str], name: str, endpoint: Any) -> dict[str, Any]:
    file, line = location(endpoint)
    return {"path": path, "methods": methods, "name": name, "file": file, "line": line}
