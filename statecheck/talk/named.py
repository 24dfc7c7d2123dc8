"""Refusing early what options name and the app's source does not have: an endpoint, or the field of one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.source.code.resolver import FUNCTIONS
from statecheck.source.code.scopes import last_name, parameters
from statecheck.source.code.tree import SourceTree
from statecheck.source.fields import plain
from statecheck.source.handlers.handlers import function_at
from statecheck.source.handlers.project_code import ProjectCode
from statecheck.source.handlers.spelled_routes import read_spelled_routes
from statecheck.talk.alternatives import find_named
from statecheck.talk.endpoints import rank_endpoints
from statecheck.talk.plan import AppFacts, Overrides, Route
from statecheck.talk.planning import select_endpoints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import Located
    from statecheck.talk.endpoints import Endpoint

_DECLARED_BY = {package for framework in FRAMEWORKS if framework.is_web for package in framework.packages}
_DECLARED_BY |= {"typing", "typing_extensions", "pydantic", "uuid"}
"""Packages whose classes, as a handler's annotations, bring no fields that only the running app knows."""
_PLAIN_BASES = frozenset(
    ("BaseModel", "TypedDict", "NamedTuple", "Struct", "Schema", "Enum", "StrEnum", "str", "object")
)


def check_named(target: Located, overrides: Overrides) -> None:
    """Refuse an endpoint or a field that an option names and that the app does not have, so far as source tells.

    Raises:
        StatecheckError: `unknown-endpoint` or `unknown-field`, with those that there are.
    """
    names = {"--message-field": overrides.message_field, "--session-field": overrides.session_field}
    if overrides.template is not None or not any((overrides.endpoint, *names.values())):
        return
    tree = SourceTree.of(target)
    code, modules = ProjectCode(tree), tree.modules()
    spelled = read_spelled_routes(modules, code)
    if spelled is None:
        return
    routes = tuple(Route(each.path, each.methods, each.name, str(each.file), each.line) for each in spelled)
    facts = AppFacts("", "", routes)
    ranked = rank_endpoints(facts, code, ())
    if overrides.endpoint is None and not any(endpoint.fields for endpoint in ranked):
        return
    chosen = select_endpoints(ranked, overrides, facts, tree)
    for option, name in names.items():
        if name is not None and not _is_said(name, modules) and not any(_is_open(each, code) for each in chosen):
            _refuse_field(option, name, chosen)


def _is_said(name: str, modules: Sequence[Module]) -> bool:
    """Whether a field's own name stands anywhere in the code, however it is written: an alias may be made of it."""
    own = plain(name.rpartition(".")[2].rpartition(" ")[2])
    return any(own in re.sub(r"[^a-z0-9]", "", module.text.lower()) for module in modules)


def _is_open(endpoint: Endpoint, code: ProjectCode) -> bool:
    """Whether an endpoint may take what only the running app knows: its handler is given what others declare."""
    route = endpoint.route
    module = next((each for each in code.source.modules() if str(each.path) == route.file), None)
    function = function_at(module.ast, route.line, route.name, endpoint.method) if module is not None else None
    if module is None or not isinstance(function, FUNCTIONS):
        return True
    outside = {
        item.bound
        for item in module.imports
        if not code.source.owns(item) and item.name.partition(".")[0] not in _DECLARED_BY
    }
    stated = [each.annotation for each in parameters(function) if each.annotation is not None]
    named = [node for each in stated for node in ast.walk(each) if isinstance(node, ast.Name)]
    return any(node.id in outside or _grows(code, module.path, node) for node in named)


def _grows(code: ProjectCode, file: Path, named: ast.expr) -> bool:
    """Whether a class of the project has fields of a base that lies elsewhere."""
    found = code.resolve(file, named)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return False
    for base in found.node.bases:
        parent = code.resolve(found.file, base) if isinstance(base, ast.Name) else None
        foreign = parent is None or parent.node is found.node
        if last_name(base) not in _PLAIN_BASES and (foreign or _grows(code, found.file, base)):
            return True
    return False


def _refuse_field(option: str, name: str, endpoints: Sequence[Endpoint]) -> None:
    """Refuse a field that none of these endpoints has.

    Raises:
        StatecheckError: it is not there, with those that the first of them has.
    """
    refused: StatecheckError | None = None
    for endpoint in endpoints:
        try:
            find_named(name, option, (), endpoint)
        except StatecheckError as error:
            refused = refused or error
        else:
            return
    if refused is not None:
        raise refused
