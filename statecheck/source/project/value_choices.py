"""The few values that code knows of a variable: what it compares it with, looks up by it, or declares as its type."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, walk
from statecheck.source.project.settings_classes import settings_classes, settings_fields
from statecheck.source.project.variable_reads import read_variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.modules import Module

_TEXT_METHODS = ("lower", "upper", "strip", "casefold")
_ENUMS = ("Enum", "StrEnum")


def find_choices(modules: tuple[Module, ...]) -> dict[str, tuple[str, ...]]:
    """Return the values that the code knows of each variable that it reads, in the order in which it names them.

    They are texts that a variable, or a name that holds one, is compared with (`==`, `in`, `case`), keys of a dict that
    is indexed by it, and members of an enumeration or a `Literal` that it becomes.
    """
    nodes = [node for module in modules for node in walk(module.ast)]
    members = {node.name: _members(node) for node in nodes if isinstance(node, ast.ClassDef)}
    tables = {name: texts for node in nodes for name, texts in _table(node)}
    holders = dict(_holders(nodes)) | dict(_fields(modules))
    found: dict[str, dict[str, None]] = {}
    for node in nodes:
        for holder, texts in _known(node, members, tables):
            if holder in holders:
                found.setdefault(holders[holder], {}).update(dict.fromkeys(texts))
    for name, texts in _declared(modules, members):
        found.setdefault(name, {}).update(dict.fromkeys(texts))
    return {name: tuple(texts) for name, texts in found.items() if texts}


def _holders(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield (name, variable) of each name that is given a variable's text; a variable's own has a dollar sign."""
    for node in nodes:
        read = read_variable(node)
        if read is not None:
            yield f"${read[0]}", read[0]
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            read = read_variable(_bare(node.value))
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if read is not None:
                    yield last_name(target), read[0]


def _fields(modules: tuple[Module, ...]) -> Iterator[tuple[str, str]]:
    """Yield (name, variable) of the fields of settings classes."""
    for node, prefix in settings_classes(modules).items():
        for one in settings_fields(node, prefix):
            yield one.name, one.variables[0]


def _declared(
    modules: tuple[Module, ...], members: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what the types of settings' fields allow."""
    for node, prefix in settings_classes(modules).items():
        annotations = {last_name(each.target): each.annotation for each in node.body if isinstance(each, ast.AnnAssign)}
        for one in settings_fields(node, prefix):
            for part in ast.walk(annotations[one.name]):
                if isinstance(part, ast.Subscript) and last_name(part.value) == "Literal":
                    yield one.variables[0], _texts(part.slice)
                elif isinstance(part, (ast.Name, ast.Attribute)):
                    yield one.variables[0], members.get(last_name(part), ())


def _known(
    node: ast.AST, members: Mapping[str, tuple[str, ...]], tables: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, texts) where something is compared with texts, looked up in them, or made one of them."""
    match node:
        case ast.Compare(left=left, comparators=[right]):
            yield _holder(left), _texts(right) or tables.get(last_name(right), ())
            yield _holder(right), _texts(left)
        case ast.Match(subject=subject, cases=cases):
            values = [
                part.value for case in cases for part in ast.walk(case.pattern) if isinstance(part, ast.MatchValue)
            ]
            yield _holder(subject), tuple(text for value in values for text in _texts(value))
        case ast.Subscript(value=value, slice=index):
            yield _holder(index), _texts(value) or tables.get(last_name(value), ())
        case ast.Call(func=callee, args=[argument]):
            yield _holder(argument), members.get(last_name(callee), ())


def _holder(node: ast.expr) -> str:
    bare = _bare(node)
    read = read_variable(bare)
    return f"${read[0]}" if read is not None else last_name(bare)


def _bare(node: ast.expr) -> ast.expr:
    """An expression without what only changes how its text is written: `os.environ["MODE"].strip().lower()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TEXT_METHODS:
        node = node.func.value
    return node


def _texts(node: ast.AST) -> tuple[str, ...]:
    """The texts of a display, the keys of a dict, or a text that stands there."""
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) and node.value else ()
    if isinstance(node, ast.Dict):
        return tuple(text for key in node.keys if key is not None for text in _texts(key))
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return tuple(text for item in node.elts for text in _texts(item))
    return ()


def _table(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, texts) of a constant that is a collection of texts."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(
        node.value, (ast.Dict, ast.Tuple, ast.List, ast.Set)
    ):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield last_name(target), _texts(node.value)


def _members(node: ast.ClassDef) -> tuple[str, ...]:
    """The texts that are an enumeration's members, or nothing."""
    if not any(last_name(base) in _ENUMS for base in node.bases):
        return ()
    return tuple(text for each in node.body if isinstance(each, ast.Assign) for text in _texts(each.value))
