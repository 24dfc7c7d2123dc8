"""What the names of the user's code mean: what a scope binds them to, and where imports lead. By reading only."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import Scope, statements, walk
from statecheck.source.code.tree import find_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from statecheck.source.code.modules import Import, Module
    from statecheck.source.code.tree import SourceTree

Bindings = dict[str, list[tuple[int, ast.AST]]]
"""By name what a scope's statements bind it to, in source order, each with its line. Imports are not among them."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_FURTHEST = 6


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition: a function, a class, the expression that a name was assigned, or a whole module."""

    file: Path
    node: ast.AST


class Resolver:
    """Finds what names mean in the user's tree. Imports that leave the tree are not followed.

    Args:
        tree: the user's files.
    """

    def __init__(self, tree: SourceTree) -> None:
        self.source = tree
        self._bindings: dict[Path, Bindings] = {}
        self._inner: dict[Path, Bindings] = {}
        self._resolving: set[ast.AST] = set()
        self._only: dict[tuple[Path, str], Definition | None] = {}

    def tree(self, file: Path) -> ast.Module | None:
        """Return a file's syntax tree, or None if it is not readable Python."""
        module = self.source.get(file)
        return module.ast if module is not None else None

    def bindings(self, module: Module) -> Bindings:
        """Return what a module's own statements bind its names to."""
        if module.path not in self._bindings:
            self._bindings[module.path] = bindings(module.ast)
        return self._bindings[module.path]

    def module(self, module: Module, name: str) -> Module | None:
        """Return the file of the tree that a dotted name loads in a file, or None; one beside or above it will do."""
        found = self.source.find(name) or next(
            filter(None, (find_below(folder, name) for folder in self._above(module.path))), None
        )
        return self.source.get(found) if found is not None else None

    def imported(self, module: Module, name: str) -> Iterator[tuple[Module, str]]:
        """Yield where the imports that can give a module this name lead, most likely first.

        Yields:
            A file of the tree with the name that it has there, or with `""` where the name is that file itself.
        """
        items = module.imports
        for item in (*(i for i in items if i.bound == name), *(i for i in items if i.member == "*")):
            yield from self._led_to(module, item, name)

    def _led_to(self, module: Module, item: Import, name: str) -> Iterator[tuple[Module, str]]:
        if item.member:
            source = self.module(module, item.name)
            if source is not None and source is not module:
                yield source, name if item.member == "*" else item.member
        whole = self.module(module, f"{item.name}.{item.member}" if item.member else item.name)
        if whole is not None:
            yield whole, ""

    def original_name(self, module: Module, name: str) -> str:
        """Return the name, where it comes from, of what a module imports under this one, or `""`."""
        members = (item.member for item in module.imports if item.bound == name)
        return next((member for member in members if member not in (None, "*")), None) or ""

    def find(self, file: Path, name: str, further: int = _FURTHEST) -> Definition | None:
        """Return what a name means in a module, imports from the project followed.

        A name that the module itself does not have is looked for in its inner scopes.
        """
        module = self.source.get(file)
        if module is None:
            return None
        node = _value(self.bindings(module).get(name, ()))
        if node is None and any(item.bound == name for item in module.imports):
            return self._find_imported(module, name, further - 1) if further else None
        if node is None:
            node = _value(self._inner_bindings(module).get(name, ()))
        if node is None:
            return self._find_imported(module, name, further - 1) if further else None
        if isinstance(node, ast.Name) and further and node.id != name:
            return self.find(file, node.id, further - 1) or Definition(file, node)
        return Definition(file, node)

    def _find_imported(self, module: Module, name: str, further: int) -> Definition | None:
        for source, original in self.imported(module, name):
            found = self.find(source.path, original, further) if original else Definition(source.path, source.ast)
            if found is not None:
                return found
        return None

    def resolve(self, file: Path, expression: ast.expr) -> Definition | None:
        """Return what a name or an attribute (`service.reply`) means: a function, a class or a value."""
        if isinstance(expression, ast.Name):
            return self.find(file, expression.id)
        if not isinstance(expression, ast.Attribute):
            return None
        if isinstance(expression.value, ast.Name):
            owner = self.find(file, expression.value.id)
            if owner is not None and isinstance(owner.node, ast.Module):
                return self.find(owner.file, expression.attr)
            kind = self.class_of(owner)
            if kind is not None:
                return self.method(kind, expression.attr)
        return None

    def class_of(self, found: Definition | None) -> Definition | None:
        """Return the class that a definition is, or that the value assigned there is an instance of."""
        if found is None or isinstance(found.node, ast.ClassDef):
            return found
        if not isinstance(found.node, ast.Call) or found.node in self._resolving:
            return None
        self._resolving.add(found.node)  # `x = x.copy()` is made by what it names
        made = self.resolve(found.file, found.node.func)
        self._resolving.discard(found.node)
        return made if made is not None and isinstance(made.node, ast.ClassDef) else None

    def method(self, kind: Definition, name: str) -> Definition | None:
        """Return a method of a class or of its bases in the project."""
        if not isinstance(kind.node, ast.ClassDef):
            return None
        for node in kind.node.body:
            if isinstance(node, FUNCTIONS) and node.name == name:
                return Definition(kind.file, node)
        for base in kind.node.bases:
            parent = self.resolve(kind.file, base)
            if parent is not None and parent.node is not kind.node and (found := self.method(parent, name)):
                return found
        return None

    def only_method(self, file: Path, name: str) -> Definition | None:
        """Return the method of this name, if just one class of a module and of those that it imports from has it."""
        if (file, name) not in self._only:
            self._only[file, name] = self._only_method(file, name)
        return self._only[file, name]

    def _only_method(self, file: Path, name: str) -> Definition | None:
        module = self.source.get(file)
        if module is None:
            return None
        imported = (self.module(module, item.name) for item in module.imports if item.member)
        found = [
            Definition(source.path, method)
            for source in dict.fromkeys((module, *filter(None, imported)))
            for kind in walk(source.ast)
            if isinstance(kind, ast.ClassDef)
            for method in kind.body
            if isinstance(method, FUNCTIONS) and method.name == name
        ]
        return found[0] if len(found) == 1 else None

    def _inner_bindings(self, module: Module) -> Bindings:
        """Return what the scopes inside a module bind, outer ones first."""
        if module.path not in self._inner:
            found: Bindings = {}
            for scope in ast.walk(module.ast):
                if isinstance(scope, (*FUNCTIONS, ast.ClassDef)):
                    for name, bound in bindings(scope).items():
                        found.setdefault(name, bound)
            self._inner[module.path] = found
        return self._inner[module.path]

    def _above(self, file: Path) -> Iterator[Path]:
        """Yield the folders of the project around a file, the nearest first."""
        project = self.source.project.resolve()
        return (folder for folder in file.resolve().parents if folder.is_relative_to(project))


def _value(bound: Sequence[tuple[int, ast.AST]]) -> ast.AST | None:
    """Return the last value that a name gets; None is one only if there is no other."""
    values = [node for _, node in bound]
    values = [node for node in values if not (isinstance(node, ast.Constant) and node.value is None)] or values
    return values[-1] if values else None


def bindings(scope: Scope) -> Bindings:
    """Return the values that a scope's statements give to its names, in source order, each with its line."""
    found: Bindings = {}
    for statement in statements(scope.body) if not isinstance(scope, ast.Lambda) else ():
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(statement.name, []).append((statement.lineno, statement))
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                for name, value in _pairs(target, statement.value):
                    found.setdefault(name, []).append((statement.lineno, value))
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            for item in statement.items:
                if isinstance(item.optional_vars, ast.Name):
                    found.setdefault(item.optional_vars.id, []).append((statement.lineno, item.context_expr))
    return found


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return the names in an assignment's target, each with the expression that it gets."""
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, (ast.Tuple, ast.List)):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            return [pair for t, v in zip(target.elts, value.elts, strict=True) for pair in _pairs(t, v)]
        return [(name.id, ast.Constant(None)) for name in target.elts if isinstance(name, ast.Name)]
    return []
