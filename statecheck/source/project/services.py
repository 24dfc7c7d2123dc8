"""Which services the code names, by which variables, and at which ports it looks for them without asking."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import last_name, walk
from statecheck.source.project.project_variables import ProjectVariable, find_variables
from statecheck.source.project.service_kinds import (
    KINDS,
    Kind,
    Part,
    is_url,
    kind_of_connection,
    kind_of_dialect,
    kind_of_module,
    kind_of_url,
    kind_of_variable,
    part_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree
    from statecheck.source.project.project_files import ProjectFiles
    from statecheck.source.project.settings import Setting

_PORT = re.compile(r"\A[a-z+0-9]+://(?:[^/@\s]*@)?(?:\[[^\]]*\]|[^/:\s?]+):(\d+)|\bport=(\d+)", re.IGNORECASE)
_CLIENTS = frozenset(
    ("connect", "create_pool", "from_params", "ConnectionPool", "BlockingConnectionPool", "from_host_and_port")
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable through which the code finds a service.

    Attributes:
        part: what it holds: the service's URL, or its host, port, user, password or database.
        examples: what it may look like, as the environment, the project's files and the code's own default say.
        default: what the code takes where it is unset, or None.
        optional: the code does without where it is unset, and nothing sets it.
        anchor: where it is read; handed: what gets its value, as in `Setting`.
    """

    name: str
    part: Part
    examples: tuple[str, ...]
    default: str | None
    optional: bool
    anchor: Anchor
    handed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Named:
    """A service that the code names.

    Attributes:
        anchor: where first.
        ports: at which the code looks for it though no variable says so.
        told: a variable or a URL names it, and not only an import.
    """

    kind: Kind
    anchor: Anchor
    variables: tuple[Variable, ...]
    ports: tuple[int, ...]
    told: bool = True


@dataclass(frozen=True, slots=True)
class _Literal:
    """What names a service in the code itself: a URL with its text, a client's port, or (port None) a mere import.

    Attributes:
        port: 0 for the kind's own.
    """

    kind: Kind
    port: int | None
    anchor: Anchor
    text: str = ""


def find_services(
    tree: SourceTree, files: ProjectFiles, ambient: Mapping[str, str], read: tuple[Setting, ...]
) -> tuple[Named, ...]:
    """Return the services that the target's files name, each kind once.

    Args:
        tree: the target's files.
        files: those of the project that say how it is deployed.
        ambient: the user's own environment: what a variable looks like that is set there.
        read: the variables that those files read.
    """
    in_files = find_variables(files)
    literals = [found for module in tree.modules() for found in _literals(module)]
    kinds = {literal.kind.name for literal in literals}
    database = "mysql" if "mysql" in kinds and "postgres" not in kinds else "postgres"
    variables = [_variable(setting, ambient, in_files.get(setting.name), database) for setting in read]
    known = [variable for variable in variables if variable is not None]
    defaults = {variable.default for _, variable in known}
    literals = [literal for literal in literals if literal.text not in defaults]
    found = [
        _make_service(kind, [one for k, one in known if k is kind], [one for one in literals if one.kind is kind])
        for kind in KINDS
    ]
    return tuple(service for service in found if service is not None)


def _make_service(kind: Kind, variables: list[Variable], literals: list[_Literal]) -> Named | None:
    if not variables and not literals:
        return None
    ports = {literal.port or kind.port for literal in literals if literal.port is not None}
    told = bool(variables or ports)
    if any(literal.port is None for literal in literals) and not any(one.part in ("url", "port") for one in variables):
        ports.add(kind.port)
    anchors = [one.anchor for one in variables] + [one.anchor for one in literals]
    return Named(kind, anchors[0], tuple(variables), tuple(sorted(ports)), told)


def _variable(
    setting: Setting, ambient: Mapping[str, str], in_file: ProjectVariable | None, database: str
) -> tuple[Kind, Variable] | None:
    """The variable of a service that a setting is, if it is one."""
    set_to = ambient.get(setting.name) or (in_file.value if in_file and not in_file.example else "")
    examples = tuple(filter(None, (set_to, setting.default, in_file.value if in_file else "")))
    kind = _kind(setting, examples, database)
    part = part_of(setting.name, kind) if kind else None
    leads = any(is_url(each) or kind_of_connection(each) for each in examples)
    part = "url" if leads or _takes_url(setting, kind) else part
    if kind is None or part is None:
        return None
    optional = setting.optional and not set_to
    return kind, Variable(setting.name, part, examples, setting.default, optional, setting.anchor, setting.handed)


def _kind(setting: Setting, examples: tuple[str, ...], database: str) -> Kind | None:
    inside = next(filter(None, (kind_of_connection(each) for each in examples if not kind_of_url(each))), None)
    if inside is not None:
        return inside
    url = next(filter(is_url, examples), None)
    if url is not None and not url.startswith(("http", "tcp")):  # sqlite:///chat.db is of no kind
        return kind_of_url(url)
    return kind_of_variable(setting.name, setting.handed, database)


def _takes_url(setting: Setting, kind: Kind | None) -> bool:
    """Whether what gets this variable's value takes a URL, whatever the variable is called."""
    return kind is not None and part_of(setting.name, kind) is None and bool(setting.handed & {*kind.sinks})


def _literals(module: Module) -> Iterator[_Literal]:
    """Yield what names a service without a variable."""
    imported: Kind | None = None
    for node in walk(module.ast):
        anchor = Anchor(module.shown, getattr(node, "lineno", 0))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module or ''}.{name}" for name in names] if not node.level else []
            for client in filter(None, map(kind_of_module, names)):
                imported = imported or client
                yield _Literal(client, None, anchor)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            kind, dialect = kind_of_url(node.value), kind_of_dialect(node.value)
            if kind is not None:
                whole = not node.value.endswith(("://", ":", "@"))  # else it is the beginning of an f-string
                yield _Literal(kind, _port(node.value) if whole else None, anchor, node.value)
            elif dialect is not None:
                yield _Literal(dialect, None, anchor)
        elif isinstance(node, ast.Call) and imported is not None:
            yield from (_Literal(imported, port, anchor) for port in _port_of_call(node, imported))


def _port(url: str) -> int:
    found = _PORT.search(url)
    return int(found[1] or found[2]) if found else 0


def _port_of_call(node: ast.Call, kind: Kind) -> Iterator[int]:
    """Yield the port that a client is told in so many digits."""
    if last_name(node.func) not in _CLIENTS and last_name(node.func) not in kind.sinks:
        return
    for word in node.keywords:
        if word.arg == "port" and isinstance(word.value, ast.Constant) and str(word.value.value).isdigit():
            yield int(str(word.value.value))
    for argument in node.args[:1]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "port=" in argument.value:
            yield _port(argument.value)
