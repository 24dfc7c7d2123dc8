"""Finding what a name of the target means, across the modules of its tree, by reading only."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from statecheck.source.code.files import python_files
from statecheck.source.code.tree import find_below

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from statecheck.source.code.tree import SourceTree

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_FURTHEST = 6
_BEFORE = re.compile(rb"middleware|before_|on_request|def dispatch|def process_request")


@dataclass(frozen=True, slots=True)
class Found:
    """A definition: a function, a class, or the expression that a name was assigned."""

    file: Path
    node: ast.AST


class Modules:
    """Finds what names mean in the user's tree. Imports that leave the tree are not followed.

    Args:
        tree: the user's files.
        environment: the variables that the code finds where it runs.
    """

    def __init__(self, tree: SourceTree, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self.source = tree
        self.project = tree.project.resolve()
        self.environment = environment
        self._names: dict[Path, dict[str, ast.AST]] = {}
        self._resolving: set[ast.AST] = set()
        self._only: dict[tuple[Path, str], Found | None] = {}
        self._middlewares: list[Found] | None = None
        self._decorated: list[tuple[str, str, str, Path, int]] | None = None

    def tree(self, file: Path) -> ast.Module | None:
        """Return a file's syntax tree, or None if it is not readable Python."""
        module = self.source.get(file)
        return module.ast if module is not None else None

    def names(self, file: Path) -> dict[str, ast.AST]:
        """Tell what a module's names are bound to; names of inner scopes too, where the module itself has none."""
        if file not in self._names:
            bound: dict[str, ast.AST] = {}
            tree = self.tree(file)
            if tree is not None:
                for node in tree.body:
                    _bind(node, bound)
                inner: dict[str, ast.AST] = {}
                for scoped in ast.walk(tree):
                    _bind(scoped, inner)
                bound = inner | bound
            self._names[file] = bound
        return self._names[file]

    def find(self, file: Path, name: str, further: int = _FURTHEST) -> Found | None:
        """Tell what a name means in a module, imports from the project followed."""
        node = self.names(file).get(name)
        if isinstance(node, ast.ImportFrom) and further:
            original = next((a.name for a in node.names if name in (a.asname, a.name)), name)
            source = self._module(file, node.module or "", node.level)
            if source is not None:
                return self.find(source, original, further - 1)
            inner = self._module(file, f"{node.module or ''}.{original}".strip("."), node.level)
            return Found(inner, ast.Module([], [])) if inner is not None else None
        if isinstance(node, ast.Name) and further and node.id != name:
            return self.find(file, node.id, further - 1) or Found(file, node)
        return Found(file, node) if node is not None and not isinstance(node, (ast.Import, ast.ImportFrom)) else None

    def resolve(self, file: Path, expression: ast.expr) -> Found | None:
        """Tell what a name or an attribute (`service.reply`) means: a function, a class or a value."""
        if isinstance(expression, ast.Name):
            return self.find(file, expression.id)
        if not isinstance(expression, ast.Attribute):
            return None
        if isinstance(expression.value, ast.Name):
            owner = self.find(file, expression.value.id)
            node = self.names(file).get(expression.value.id)
            if owner is None and isinstance(node, ast.Import):
                alias = next(a for a in node.names if expression.value.id in (a.asname, a.name.split(".")[0]))
                source = self._module(file, alias.name, 0)
                return self.find(source, expression.attr) if source else None
            if owner is not None and isinstance(owner.node, ast.Module):
                return self.find(owner.file, expression.attr)
            kind = self.class_of(owner)
            if kind is not None:
                return self.method(kind, expression.attr)
        return None

    def class_of(self, found: Found | None) -> Found | None:
        """Return the class that a definition is, or that the value assigned there is an instance of."""
        if found is None or isinstance(found.node, ast.ClassDef):
            return found
        if not isinstance(found.node, ast.Call) or found.node in self._resolving:
            return None
        self._resolving.add(found.node)  # `x = x.copy()` is made by what it names
        made = self.resolve(found.file, found.node.func)
        self._resolving.discard(found.node)
        return made if made is not None and isinstance(made.node, ast.ClassDef) else None

    def method(self, kind: Found, name: str) -> Found | None:
        """Return a method of a class or of its bases in the project."""
        if not isinstance(kind.node, ast.ClassDef):
            return None
        for node in kind.node.body:
            if isinstance(node, FUNCTIONS) and node.name == name:
                return Found(kind.file, node)
        for base in kind.node.bases:
            parent = self.resolve(kind.file, base)
            if parent is not None and parent.node is not kind.node and (found := self.method(parent, name)):
                return found
        return None

    def only_method(self, file: Path, name: str) -> Found | None:
        """Return the method of this name, if just one class of a module and its imports has it."""
        if (file, name) not in self._only:
            self._only[file, name] = self._only_method(file, name)
        return self._only[file, name]

    def _only_method(self, file: Path, name: str) -> Found | None:
        imports = [node for node in self.names(file).values() if isinstance(node, ast.ImportFrom)]
        files = [file, *(self._module(file, node.module or "", node.level) for node in imports)]
        found = [
            Found(source, method)
            for source in dict.fromkeys(files)
            if source is not None
            for kind in self.names(source).values()
            if isinstance(kind, ast.ClassDef)
            for method in kind.body
            if isinstance(method, FUNCTIONS) and method.name == name
        ]
        return found[0] if len(found) == 1 else None

    def decorated(self) -> list[tuple[str, str, str, Path, int]]:
        """Every function of the project that a decorator gives a path: (path, decorator, name, file, line)."""
        if self._decorated is None:
            self._decorated = [
                (str(mark.args[0].value), mark.func.attr, node.name, file, mark.lineno)
                for file in python_files(self.source.project)
                for node in ast.walk(self.tree(file) or ast.Module([], []))
                if isinstance(node, FUNCTIONS)
                for mark in node.decorator_list
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
                if mark.args and isinstance(mark.args[0], ast.Constant) and str(mark.args[0].value).startswith("/")
            ]
        return self._decorated

    def middlewares(self) -> list[Found]:
        """Every function of the project that is called before its handlers: decorated as one, or a class's dispatch."""
        if self._middlewares is None:
            self._middlewares = [
                Found(file, node)
                for file in python_files(self.source.project)
                if _BEFORE.search(self.source.sources.peek(file))
                for node in ast.walk(self.tree(file) or ast.Module([], []))
                if isinstance(node, FUNCTIONS)
                if node.name in ("dispatch", "process_request") or any(_is_before(mark) for mark in node.decorator_list)
            ]
        return self._middlewares

    def _module(self, file: Path, dotted: str, level: int) -> Path | None:
        """Return the file of the tree that an import in `file` loads; one that lies beside it will do."""
        module = self.source.get(file)
        name = module.absolute(dotted, level) if module is not None else ""
        found = self.source.find(name)
        if found is not None or level or module is None:
            return found
        above = [folder for folder in file.resolve().parents if folder.is_relative_to(self.project)]
        return next(filter(None, (find_below(folder, name) for folder in above)), None)


def _is_before(mark: ast.expr) -> bool:
    """Whether a decorator has a function called before each handler."""
    spelled = ast.unparse(mark.func if isinstance(mark, ast.Call) else mark)
    return spelled.endswith((".middleware", ".before_request", ".before_app_request", ".on_request"))


def _bind(node: ast.AST, bound: dict[str, ast.AST]) -> None:
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        bound.setdefault(node.name, node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                bound.setdefault(target.id, node.value)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        bound.setdefault(node.target.id, node.value)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            bound.setdefault(alias.asname or alias.name.split(".")[0], node)
    elif isinstance(node, (ast.If, ast.Try)):
        for inner in [*node.body, *node.orelse]:
            _bind(inner, bound)
