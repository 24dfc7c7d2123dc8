"""What expressions of the user's code can be found to be: apps, workflows, functions, classes. Data only."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import by_name
from statecheck.source.code.scopes import Function

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.code.modules import Module
    from statecheck.source.code.resolver import Bindings

Origin = tuple["Path", int]
AnyFunction = Function | ast.Lambda


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression is.

    Attributes:
        kind: the name of a framework, or `function`, `class`, `instance`, `module`.
        origin: the file and line that build it; two names for one thing have one origin.
        inside: the origins of what it wraps or was given.
        module: the file in which `node` is.
        node: the function or class, for `function`, `class` and `instance`.
        routed: it was seen to get routes where it was built.
        attribute: what has to be taken of it to get what a server serves (`app` of a WorkflowServer), or "".
    """

    kind: str
    origin: Origin
    module: Module
    node: ast.AST | None = None
    inside: frozenset[Origin] = frozenset()
    routed: bool = False
    attribute: str = ""

    @property
    def is_app(self) -> bool:
        """Whether it can be driven as it is: a web app, a workflow, a page."""
        return self.kind not in ("function", "class", "instance", "module")

    @property
    def is_web(self) -> bool:
        """Whether it is an app that is sent requests over HTTP."""
        return by_name(self.kind).is_web


@dataclass(frozen=True, slots=True)
class Env:
    """A scope in a file: its bindings by name, each with its line, and the scope around it."""

    module: Module
    names: Bindings
    outer: Env | None = None


@dataclass(frozen=True, slots=True)
class Wiring:
    """The origins of the apps that others mount or include, and of those that get routes."""

    mounted: frozenset[Origin]
    routed: frozenset[Origin]


@dataclass(frozen=True, slots=True)
class ServerCall:
    """A call that serves an app.

    Attributes:
        node: the call.
        scopes: the functions and classes around it, outermost first.
        framework: what is served, as far as the call tells.
        value: the app, or None where source does not tell.
        origin: where the app is built, or else the call itself.
        named: the text that names what it serves (`pkg.main:app`), or "".
        returns: it returns at once, and what follows waits.
    """

    node: ast.Call
    scopes: tuple[ast.AST, ...]
    framework: str
    value: Value | None
    origin: Origin
    named: str = ""
    returns: bool = False


ROUTE_METHODS = frozenset(
    [
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "route",
        "websocket",
        "api_route",
        "include_router",
        "register_blueprint",
        "add_api_route",
        "add_url_rule",
        "add_route",
        "add_websocket_route",
        "mount",
        "add_workflow",
        "blueprint",
        "add_api_websocket_route",
    ]
)


def adds_routes(node: ast.AST) -> bool:
    """Whether a node is a call such as `x.include_router(…)` or, as a decorator, `x.post(…)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ROUTE_METHODS
