"""The user's own files as Python imports them from one root, and the imports between them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from statecheck.errors import StatecheckError
from statecheck.source.code import reading
from statecheck.source.code.files import python_files
from statecheck.source.code.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Import, Module


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

    @property
    def sources(self) -> Sources:
        """What has been read while it was found."""


class SourceTree:
    """The user's files as they are imported from one root.

    Args:
        root: the import root.
        project: paths are shown relative to it; its `src` folder is searched too.
        entry: the target's file, from which `modules` starts; without it `modules` is every file below the root.
        sources: reads the files; whatever tree asks for a file, it is read once.
    """

    def __init__(self, root: Path, project: Path, entry: Path | None = None, sources: Sources | None = None) -> None:
        self.root = root
        self.project = project
        self.entry = entry
        self.sources = sources or Sources()
        self._search = tuple(dict.fromkeys((root, project, root / "src", project / "src")))
        self._modules: dict[Path, Module] = {}
        self._found: dict[str, Path | None] = {}
        self._reach: dict[Path, tuple[Module, ...]] = {}

    @classmethod
    def of(cls, target: Located) -> SourceTree:
        """Return the tree of a resolved target."""
        return cls(target.root, target.project, target.path, target.sources)

    def module(self, path: Path) -> Module:
        """Return the file, read and parsed.

        Raises:
            StatecheckError: as `Sources.parse`.
        """
        if path not in self._modules:
            self._modules[path] = self.sources.module(path, self.name_of(path), self.shown(path))
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

    def _edges(self, module: Module) -> Iterator[Path]:
        names = _parents(module.name)
        for item in module.imports:
            names += [*_parents(item.name), item.name]
            if item.member:
                names.append(f"{item.name}.{item.member}")
        for name in module.named:
            names += [*_parents(name), name]
        yield from filter(None, map(self.find, dict.fromkeys(names)))


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
