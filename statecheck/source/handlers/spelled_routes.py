"""The routes of an app as its source spells them, with what they are included under; none where source cannot tell all.

For frameworks that have routers: a decorator gives a path to a function, and a router's routes lie below a prefix.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.source.code.resolver import FUNCTIONS, bindings
from statecheck.source.code.scopes import first_line, last_name, parameters, walk
from statecheck.source.handlers.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from statecheck.source.code.modules import Module
    from statecheck.source.code.scopes import Function
    from statecheck.source.handlers.project_code import ProjectCode

_HAVE_ROUTERS = tuple(framework for framework in FRAMEWORKS if framework.router)
_APPS = frozenset(name for framework in _HAVE_ROUTERS for name in framework.constructors)
_ROUTERS = dict(framework.router.removesuffix(")").split("(") for framework in _HAVE_ROUTERS)
"""Each with the keyword that says below what its routes lie."""
_VERBS = frozenset(("get", "post", "put", "patch", "delete", "head", "options"))
_SAID_BESIDE = frozenset(("route", "api_route"))
"""Decorators that are told their methods."""
_MARKS = _VERBS | _SAID_BESIDE | {"websocket"}
_INCLUDES = {"include_router": "prefix", "register_blueprint": "url_prefix"}
_INSTEAD = "url_prefix"
"""The keyword by which including a router replaces the router's own prefix; another one adds to it."""
_OTHERWISE = frozenset(
    ("add_api_route", "add_url_rule", "add_route", "add_websocket_route", "add_api_websocket_route", "host", "mount")
)
"""Calls that add what is not read here."""
_HARMLESS = frozenset(
    (
        *("run", "serve", "run_simple", "Config", "TestClient", "print", "isinstance", "getattr"),
        *("CORS", "cors", "SQLAlchemy", "Session", "Limiter", "LoginManager", "Migrate"),
        *(name for framework in FRAMEWORKS for name in framework.wrappers),
    )
)
"""What may be given an app and adds no routes to it."""
_TABLES = frozenset(("routes", "router", "url_map"))
"""Attributes of an app by which routes could be added."""
_MAKES = _APPS.union(_ROUTERS)
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class SpelledRoute:
    """An endpoint as its decorator spells it: with its whole path, and the function that is decorated."""

    path: str
    methods: tuple[str, ...]
    name: str
    file: Path
    line: int


@dataclass(slots=True)
class _Owner:
    """An app or a router: below what its routes lie, its own, and what it includes, each below a prefix."""

    kind: str
    prefix: str
    routes: list[SpelledRoute] = field(default_factory=list)
    includes: list[tuple[str | None, ast.AST]] = field(default_factory=list)


class _UnclearError(Exception):
    """Source does not tell all routes."""


def read_spelled_routes(modules: Sequence[Module], code: ProjectCode) -> tuple[SpelledRoute, ...] | None:
    """Return the routes of the apps that these files build; None where there is none, or source cannot tell them all.

    Args:
        modules: all files of the project that importing the app runs.
        code: resolves their names.
    """
    try:
        owners = _read_owners(modules, code)
        for module in modules:
            _Reader(module, code, owners).read()
        apps = [owner for owner in owners.values() if owner.kind in _APPS]
        found = [route for app in apps for route in _routes_below(app, app.prefix, owners, 0)]
    except _UnclearError:
        return None
    return tuple(dict.fromkeys(found)) or None


def _read_owners(modules: Sequence[Module], code: ProjectCode) -> dict[ast.AST, _Owner]:
    """Return the apps and routers of these files, each by the call that makes it.

    Raises:
        _UnclearError: a class is made of theirs, or it is not seen below what their routes lie.
    """
    owners: dict[ast.AST, _Owner] = {}
    for module in modules:
        for node in walk(module.ast):
            if isinstance(node, ast.ClassDef) and any(last_name(base) in _MAKES for base in node.bases):
                raise _UnclearError
            if isinstance(node, ast.Call) and last_name(node.func) in _MAKES:
                kind = last_name(node.func)
                given = {keyword.arg for keyword in node.keywords}
                if given & {None, "routes"}:
                    raise _UnclearError
                prefix = _text_of(node, _ROUTERS.get(kind, ""), Site(code, module.path))
                owners[node] = _Owner(kind, prefix or "")
    return owners


def _text_of(call: ast.Call, name: str, site: Site, position: int | None = None) -> str | None:
    """Return the text that a call is given by a keyword or at a position, or None.

    Raises:
        _UnclearError: something is given there that source does not tell.
    """
    given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if given is None and position is not None and len(call.args) > position:
        given = call.args[position]
    if given is None or (isinstance(given, ast.Constant) and given.value is None):
        return None
    text = site.fixed(given)
    if not isinstance(text, str):
        raise _UnclearError
    return text


def _routes_below(owner: _Owner, prefix: str, owners: dict[ast.AST, _Owner], depth: int) -> Iterator[SpelledRoute]:
    """Yield an app's or a router's routes, and those of what it includes.

    Raises:
        _UnclearError: what is included includes itself.
    """
    if depth > _DEEPEST:
        raise _UnclearError
    yield from (replace(route, path=f"{prefix}{route.path}" or "/") for route in owner.routes)
    for below, node in owner.includes:
        inner = owners[node]
        replaces = _ROUTERS.get(inner.kind) == _INSTEAD and below is not None
        yield from _routes_below(inner, prefix + (below or "") + ("" if replaces else inner.prefix), owners, depth + 1)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what one file adds to apps and routers."""

    module: Module
    code: ProjectCode
    owners: dict[ast.AST, _Owner]

    def read(self) -> None:
        """Add the file's routes to their owners.

        Raises:
            _UnclearError: it adds routes in a way that is not read here.
        """
        waiting: list[tuple[ast.AST, tuple[Function, ...]]] = [(self.module.ast, ())]
        while waiting:
            node, scopes = waiting.pop()
            if isinstance(node, FUNCTIONS):
                for mark in node.decorator_list:
                    self._mark(mark, node, scopes)
            elif isinstance(node, ast.Call):
                self._call(node, scopes)
            elif isinstance(node, ast.Attribute) and node.attr in _TABLES and self._owner(node.value, scopes):
                raise _UnclearError
            inner = (*scopes, node) if isinstance(node, FUNCTIONS) else scopes
            waiting += [(child, inner) for child in ast.iter_child_nodes(node)]

    def _mark(self, mark: ast.expr, function: Function, scopes: tuple[Function, ...]) -> None:
        """Read a decorator."""
        if not isinstance(mark, ast.Call) or not isinstance(mark.func, ast.Attribute) or mark.func.attr not in _MARKS:
            return
        verb, owner, site = mark.func.attr, self._owner(mark.func.value, scopes), Site(self.code, self.module.path)
        path = _text_of(mark, "rule" if any(k.arg == "rule" for k in mark.keywords) else "path", site, 0)
        if owner is None or path is None:
            raise _UnclearError
        methods = _methods(mark) if verb in _SAID_BESIDE else (verb.upper(),)
        route = SpelledRoute(path, methods, function.name, self.module.path, first_line(function))
        self.owners[owner].routes.append(route)

    def _call(self, node: ast.Call, scopes: tuple[Function, ...]) -> None:
        """Read a call that includes a router or mounts an app, or that is given an app and may do anything with it."""
        called = last_name(node.func)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Call) and last_name(node.func.func) in _MARKS:
            raise _UnclearError  # a decorator that is called: `app.get("/x")(function)`
        if isinstance(node.func, ast.Attribute) and called in (*_INCLUDES, *_OTHERWISE):
            if called == "mount" and any(last_name(getattr(each, "func", each)) == "StaticFiles" for each in given):
                return
            outer = self._owner(node.func.value, scopes)
            inner = next(filter(None, (self._owner(each, scopes) for each in given)), None)
            if outer is None or inner is None or called not in (*_INCLUDES, "mount"):
                raise _UnclearError
            position = 0 if called == "mount" else None
            prefix = _text_of(node, _INCLUDES.get(called, "path"), Site(self.code, self.module.path), position)
            self.owners[outer].includes.append((prefix, inner))
        elif called not in _HARMLESS and any(self._owner(each, scopes) for each in given):
            raise _UnclearError

    def _owner(self, node: ast.AST, scopes: tuple[Function, ...]) -> ast.AST | None:
        """Return the call that made the app or the router that an expression is, or None."""
        if node in self.owners:
            return node
        if isinstance(node, ast.Name):
            for scope in scopes[::-1]:
                if any(argument.arg == node.id for argument in parameters(scope)):
                    return None
                bound = bindings(scope).get(node.id)
                if bound:
                    return bound[-1][1] if bound[-1][1] in self.owners else None
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        found = self.code.resolve(self.module.path, node)
        return found.node if found is not None and found.node in self.owners else None


def _methods(mark: ast.Call) -> tuple[str, ...]:
    """Return the methods that a decorator is told.

    Raises:
        _UnclearError: source does not tell them.
    """
    given = next((keyword.value for keyword in mark.keywords if keyword.arg == "methods"), None)
    if given is None:
        return ("GET",)
    listed = given.elts if isinstance(given, (ast.List, ast.Tuple, ast.Set)) else []
    told = [str(each.value).upper() for each in listed if isinstance(each, ast.Constant)]
    if not told or len(told) != len(listed):
        raise _UnclearError
    return tuple(told)
