"""The user's own files, each read and parsed once in a run, and the imports between them."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from statecheck.errors import StatecheckError
from statecheck.source.code import reading
from statecheck.source.code.files import python_files
from statecheck.source.code.scopes import dotted, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMPORTERS = ("importlib.import_module", "import_module", "__import__")
_MODULE_STRING = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(:[A-Za-z_][\w.]*)?\Z", re.ASCII)


class Located(Protocol):
    """What a tree needs to know of a target."""

    @property
    def path(self) -> Path:
        """The target's file."""

    @property
    def root(self) -> Path:
        """The directory that goes on `sys.path`."""

    @property
    def project(self) -> Path:
        """The directory that paths are shown relative to."""


@dataclass(frozen=True, slots=True, eq=False)
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


@dataclass(frozen=True, slots=True)
class _Survey:
    """What one walk over a file finds: its imports, its calls, and the strings that may name modules."""

    imports: tuple[Import, ...]
    calls: tuple[ast.Call, ...]
    named: tuple[str, ...]


class SourceTree:
    """Reads the user's files and follows the imports between them.

    Args:
        root: the import root.
        project: paths are shown relative to it; its `src` folder is searched too.
        entry: the target's file, from which `modules` starts; without it `modules` is every file below the root.
    """

    def __init__(self, root: Path, project: Path, entry: Path | None = None) -> None:
        self.root = root
        self.project = project
        self.entry = entry
        self._search = tuple(dict.fromkeys((root, project, root / "src", project / "src")))
        self._read: dict[Path, tuple[str, ast.Module] | StatecheckError] = {}
        self._modules: dict[Path, Module] = {}
        self._surveys: dict[Path, _Survey] = {}
        self._found: dict[str, Path | None] = {}
        self._reach: dict[Path, tuple[Module, ...]] = {}

    @classmethod
    def of(cls, target: Located) -> SourceTree:
        """Return the tree of a resolved target."""
        return cls(target.root, target.project, target.path)

    def at(self, root: Path, project: Path) -> SourceTree:
        """Return a tree with another import root that shares what has been read."""
        tree = SourceTree(root, project)
        tree._read = self._read
        return tree

    def module(self, path: Path) -> Module:
        """Return the file, read and parsed.

        Raises:
            StatecheckError: as `reading.read` and `reading.parse`.
        """
        if path not in self._modules:
            text, syntax = self._parse(path)
            self._modules[path] = Module(path, syntax, text, self.name_of(path), self.shown(path))
        return self._modules[path]

    def get(self, path: Path) -> Module | None:
        """Return the file, or None if it cannot be read or parsed."""
        try:
            return self.module(path)
        except StatecheckError:
            return None

    def modules(self) -> tuple[Module, ...]:
        """Return the files of the user's tree that the target reaches, itself first (see `entry`)."""
        if self.entry is not None:
            return self.reach(self.entry)
        found = (self.get(path) for path in python_files(self.root))
        return tuple(module for module in found if module is not None)

    def shown(self, path: Path) -> str:
        """Return the posix path relative to the project."""
        return Path(os.path.relpath(path, self.project)).as_posix()

    def name_of(self, path: Path) -> str:
        """Return the dotted name of a file of the tree; for a file that lies elsewhere its stem."""
        for base in self._search:
            if path.is_relative_to(base):
                parts = path.relative_to(base).with_suffix("").parts
                return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        return path.stem

    def find(self, name: str) -> Path | None:
        """Return the file of the user's tree that a dotted module is, or None (a namespace package has no file)."""
        if name not in self._found:
            self._found[name] = next(filter(None, (find_below(base, name) for base in self._search)), None)
        return self._found[name]

    def locate(self, name: str) -> tuple[Path, Path]:
        """Return the import root and the file of a dotted module that `find` knows."""
        return next((base, path) for base in self._search if (path := find_below(base, name)) is not None)

    def imports(self, module: Module) -> tuple[Import, ...]:
        """Every import in a file, inside functions too, relative ones made absolute, in source order."""
        return self._survey(module).imports

    def calls(self, module: Module) -> tuple[ast.Call, ...]:
        """Return every call in a file, in source order."""
        return self._survey(module).calls

    def owns(self, item: Import) -> bool:
        """Whether an import leads into the user's tree."""
        top = item.name.partition(".")[0]
        return bool(self.find(top) or self.find(item.name) or self.find(f"{item.name}.{item.member}"))

    def reach(self, path: Path) -> tuple[Module, ...]:
        """Return the files of the user's tree that importing `path` may run, itself first, then breadth first.

        Imports inside functions and conditions count, and so do strings that name a module of the tree
        (`"shop.settings"`, `include("chat.urls")`). Files that cannot be read are left out.
        """
        if path in self._reach:
            return self._reach[path]
        found: dict[Path, Module] = {}
        queue = [path]
        for current in queue:
            module = None if current in found else self.get(current)
            if module is not None:
                found[current] = module
                queue.extend(self._edges(module))
        self._reach[path] = tuple(found.values())
        return self._reach[path]

    def _parse(self, path: Path) -> tuple[str, ast.Module]:
        if path not in self._read:
            shown = self.shown(path)
            try:
                text = reading.read(path, shown)
                self._read[path] = (text, reading.parse(text, shown))
            except StatecheckError as error:
                self._read[path] = error
        known = self._read[path]
        if isinstance(known, StatecheckError):
            raise known
        return known

    def _edges(self, module: Module) -> Iterator[Path]:
        names = _parents(module.name)
        for item in self.imports(module):
            names += [*_parents(item.name), item.name]
            if item.member:
                names.append(f"{item.name}.{item.member}")
        for name in self._survey(module).named:
            names += [*_parents(name), name]
        yield from filter(None, map(self.find, dict.fromkeys(names)))

    def _survey(self, module: Module) -> _Survey:
        if module.path not in self._surveys:
            self._surveys[module.path] = _survey(module)
        return self._surveys[module.path]


def _parents(name: str) -> list[str]:
    """Return the packages above a dotted module, outermost first: importing it runs them."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def find_below(base: Path, name: str) -> Path | None:
    """Return the file that a dotted module is below an import root, or None."""
    parts = name.split(".")
    if not all(parts):
        return None
    place = base.joinpath(*parts)
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if reading.is_file(path):
            return path
    return None


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
            name = absolute(module, node.module or "", node.level)
            if name:
                imports += [Import(name, part.name, part.asname or part.name, node.lineno) for part in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
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


def absolute(module: Module, name: str, level: int) -> str:
    """Return the absolute dotted name of a relative import in `module`, or `""` if it leads out of the package."""
    if not level:
        return name
    drop = level - (module.path.stem == "__init__")
    parts = module.name.split(".")
    if drop >= len(parts):
        return name if drop == len(parts) else ""
    package = parts[: len(parts) - drop]
    return ".".join([*package, *filter(None, [name])])
