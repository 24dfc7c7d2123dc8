"""Classes whose fields are read from the environment: pydantic's BaseSettings and what derives from it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Module

_FURTHEST = 5  # classes between one of the user's and BaseSettings


@dataclass(frozen=True, slots=True)
class SettingsField:
    """One field.

    Attributes:
        variables: the environment variables that it may be read from.
        default: the expression of its default, or None.
        computed: its default is made when the program runs.
        required: it has no default of any kind.
        types: the names in its annotation.
    """

    name: str
    variables: tuple[str, ...]
    default: ast.expr | None
    computed: bool
    required: bool
    types: frozenset[str]
    line: int


def settings_classes(modules: tuple[Module, ...]) -> dict[ast.ClassDef, str]:
    """Return these classes, each with the prefix of its variables; of another with the same name nothing is said."""
    classes = [node for module in modules for node in walk(module.ast) if isinstance(node, ast.ClassDef)]
    found: dict[ast.ClassDef, str] = {}
    prefixes = {"BaseSettings": ""}
    for _ in range(_FURTHEST):
        for node in classes:
            bases = [base for base in map(last_name, node.bases) if base in prefixes]
            if bases and node not in found:
                found[node] = _prefix(node) or prefixes[bases[0]]
                prefixes.setdefault(node.name, found[node])
    return found


def settings_fields(node: ast.ClassDef, prefix: str) -> Iterator[SettingsField]:
    """Yield the fields that such a class declares itself."""
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        names, default = [f"{prefix}{statement.target.id}".upper()], statement.value
        made = False
        if isinstance(default, ast.Call):
            words = {word.arg: word.value for word in default.keywords}
            alias = words.get("validation_alias") or words.get("alias") or words.get("env")
            aliases = [part.value for part in ast.walk(alias) if isinstance(part, ast.Constant)] if alias else []
            names = [each for each in aliases if isinstance(each, str)] or names
            made = "default_factory" in words
            default = words.get("default") or (default.args[0] if default.args else None)
        if isinstance(default, ast.Constant) and default.value is ...:  # `Field(...)`
            default = None
        annotation = (part for part in ast.walk(statement.annotation) if isinstance(part, (ast.Name, ast.Attribute)))
        types = frozenset(map(last_name, annotation))
        computed = made or not isinstance(default, (ast.Constant, type(None)))
        required = default is None and not computed
        yield SettingsField(statement.target.id, tuple(names), default, computed, required, types, statement.lineno)


def _prefix(node: ast.ClassDef) -> str:
    for inner in ast.walk(node):
        named = isinstance(inner, ast.keyword) and inner.arg == "env_prefix"
        named |= isinstance(inner, ast.Assign) and [last_name(target) for target in inner.targets] == ["env_prefix"]
        value = getattr(inner, "value", None)
        if named and isinstance(value, ast.Constant):
            return str(value.value)
    return ""
