"""One Python file of the user, and what a single walk over it finds: its imports, its calls, names of other modules."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import dotted, walk

if TYPE_CHECKING:
    from pathlib import Path

_IMPORTERS = ("importlib.import_module", "import_module", "__import__")
_MODULE_STRING = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(:[A-Za-z_][\w.]*)?\Z", re.ASCII)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name.

    Attributes:
        name: absolute dotted module (`llama_index.core`).
        member: the name taken from it (`from name import member`), `*`, or None for `import name`.
        bound: the local name that it gets.
        line: where.
    """

    name: str
    member: str | None
    bound: str
    line: int

    @property
    def is_star(self) -> bool:
        """Whether it brings every name of its module."""
        return self.member == "*"


_Calls = tuple[ast.Call, ...]


@dataclass(frozen=True, slots=True)
class _Survey:
    imports: tuple[Import, ...]
    calls: _Calls
    named: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Module:
    """One Python file of the user's tree.

    Attributes:
        path: absolute file.
        ast: its syntax tree.
        text: its source, lines ended by newlines.
        name: the dotted name under which the tree imports it.
        shown: its posix path relative to the project.
    """

    path: Path
    ast: ast.Module
    text: str
    name: str
    shown: str

    @property
    def imports(self) -> tuple[Import, ...]:
        """Every import in the file, inside functions too, relative ones made absolute, in source order."""
        return self._survey.imports

    @property
    def calls(self) -> _Calls:
        """Every call in the file, in source order."""
        return self._survey.calls

    @property
    def named(self) -> tuple[str, ...]:
        """What strings of the file may name a module: `"shop.settings"`, `"shop.main:app"`."""
        return self._survey.named

    def absolute(self, name: str, level: int) -> str:
        """Return the absolute dotted name of a relative import, or `""` if it leads out of the package."""
        if not level:
            return name
        drop = level - (self.path.stem == "__init__")
        parts = self.name.split(".")
        if drop >= len(parts):
            return name if drop == len(parts) else ""
        package = parts[: len(parts) - drop]
        return ".".join([*package, *filter(None, [name])])

    @cached_property
    def _survey(self) -> _Survey:
        return _survey(self)


def _survey(module: Module) -> _Survey:
    """Walk a file once and note what is asked for often."""
    imports: list[Import] = []
    calls: list[ast.Call] = []
    named: list[str] = []
    for node in walk(module.ast):
        if isinstance(node, ast.Call):
            calls.append(node)
            if dotted(node.func) in _IMPORTERS:
                imports += _imported_by_call(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                imports.append(Import(alias.name, None, bound, node.lineno))
        elif isinstance(node, ast.ImportFrom):
            name = module.absolute(node.module or "", node.level)
            if name:
                imports += [Import(name, part.name, part.asname or part.name, node.lineno) for part in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < _LONGEST_NAME:
            match = _MODULE_STRING.match(node.value)
            if match and (match[2] or "." in match[1]):
                named.append(match[1])
    return _Survey(tuple(imports), tuple(calls), tuple(named))


def _imported_by_call(call: ast.Call) -> list[Import]:
    """Return what `importlib.import_module("a.b")` imports, if its name is written there."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and not first.value.startswith("."):
        return [Import(first.value, None, "", call.lineno)]
    return []
