"""The calls that start servers: read in source to find what starts an app, and caught where the app runs."""

from __future__ import annotations

from dataclasses import dataclass

from .frameworks import FRAMEWORKS

SCRIPT = "__main__"
"""Stands for what a file runs where it is started itself."""


@dataclass(frozen=True)
class Start:
    """A function or a method that serves an app.

    Attributes:
        module: where it is defined.
        owner: the class of a method, or "".
        name: its own.
        served: the argument that is served, and the attributes that lead from there (`self.config.app`); "": the first.
        framework: whose app it serves, or the protocol of any.
        returns: it returns at once, and the loop of its caller serves.
    """

    module: str
    owner: str
    name: str
    served: str
    framework: str
    returns: bool = False

    @property
    def package(self) -> str:
        """The top-level module."""
        return self.module.partition(".")[0]


def _read(start: str, framework: str) -> Start:
    """Read `module:Class.method(served)`, or the same with ` returns` behind it."""
    called, returns, _ = start.partition(" returns")
    module, _, call = called.partition(":")
    name, _, served = call.removesuffix(")").partition("(")
    owner, _, name = name.rpartition(".")
    return Start(module, owner, name, served, framework, bool(returns))


_SERVERS = {
    "asgi": (
        "uvicorn.main:run(app)",
        "uvicorn.server:Server.run(self.config.app)",
        "uvicorn.server:Server.serve(self.config.app)",
        "hypercorn.asyncio:serve(app)",
        "hypercorn.run:run(config.application_path)",
    ),
    "wsgi": (
        "gunicorn.app.base:BaseApplication.run(self.load)",
        "waitress:serve(app)",
        "waitress.server:BaseWSGIServer.run(self.application)",
        "waitress.server:MultiSocketServer.run(self.application)",
        "wsgiref.simple_server:WSGIServer.serve_forever(self.application)",
        "werkzeug.serving:run_simple(application)",
        "gevent.baseserver:BaseServer.serve_forever(self.application)",
    ),
}
"""`uvicorn` itself takes `run` from `uvicorn.main` when it is imported, which is patched by then."""

STARTS = (
    *(_read(start, protocol) for protocol, starts in _SERVERS.items() for start in starts),
    *(_read(start, framework.name) for framework in FRAMEWORKS for start in framework.starts),
)
SERVER_PACKAGES = tuple(sorted({_read(start, "").package for starts in _SERVERS.values() for start in starts}))
"""Of servers that serve any app."""
