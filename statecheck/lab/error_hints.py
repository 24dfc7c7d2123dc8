"""What mends an exception of the app's own, by its type and what it names: variables, files, modules, tables."""

from __future__ import annotations

import ast
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import walk
from statecheck.source.project.project_variables import find_variables
from statecheck.source.project.settings import read_settings
from statecheck.source.project.settings_classes import settings_classes
from statecheck.target.turn_hints import advise_turn
from statecheck.target.virtualenvs import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.tree import SourceTree
    from statecheck.source.project.project_files import ProjectFiles

_MOST = 4  # variables that are told
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_INVALID = re.compile(r"ValidationError: \d+ validation errors? for (\w+)")
_LACKS = re.compile(r"^(\w+)\n  Field required", re.MULTILINE)
_EXAMPLE = re.compile(
    r"^(?:example|sample|template)[._-]|[._-](?:example|sample|template|dist)(?=[._-]|$)", re.IGNORECASE
)
_NO_FILE = re.compile(r"No such file or directory: '([^']+)'")
NO_TABLE = re.compile(r"no such table|relation .* does not exist|UndefinedTable|table .* doesn't exist", re.IGNORECASE)
_OTHER_VERSIONS = (
    "the app was written for other versions than those installed: install the ones that it names, or name the "
    "interpreter that has them with `--python`"
)
_NO_ATTRIBUTE = re.compile(r"^AttributeError: (?:\w+$|type object '(\w+)' has no attribute|module ')")
"""What a library no longer has; pydantic's classes say no more than the name."""
_BY_WORDS = (
    (NO_TABLE, "make its tables first, with its own migrations (`python manage.py migrate`, `alembic upgrade head`)"),
    (
        re.compile("Read-only file system"),
        "statecheck lets nothing be made where it can lay no layer: make that folder first, or name another",
    ),
    (re.compile("^ImportError: cannot import name .*(site|dist)-packages", re.DOTALL), _OTHER_VERSIONS),
    (
        re.compile("^(ModuleNotFoundError|ImportError(?!: cannot import name '.*' from .* \\(/)): "),
        "install it for the app's interpreter, or name that with `--python`, or your modules' folder with `--app-dir`",
    ),
)


def find_example(path: Path) -> Path | None:
    """Return what lies beside a file that is not there and shows what belongs in it: `config.example.yaml`, or None."""
    if path.exists() or not path.parent.is_dir():
        return None
    beside = sorted(one for one in path.parent.iterdir() if _EXAMPLE.search(one.name) and one.is_file())
    return next((one for one in beside if _EXAMPLE.sub("", one.name) == path.name), None)


@dataclass(frozen=True)
class Remedies:
    """What is known of a target that may explain why it fails. The source is only read when something does.

    Attributes:
        environment: its variables.
        files: those of the project that may set more.
    """

    tree: SourceTree
    environment: Mapping[str, str]
    files: ProjectFiles

    def of(self, error: str) -> str:
        """Return a hint that fits an exception (`KeyError: 'SHOP_REGION'`), or ""."""
        names = tuple(name for name in self._named(error) if name not in self.environment)
        if names:
            return self._give(names)
        missing = _NO_FILE.search(error)
        if missing:
            return self._place(missing[1])
        lacks = _NO_ATTRIBUTE.match(error)
        if lacks and not self._has_class(lacks[1]):
            return _OTHER_VERSIONS
        return next((hint for words, hint in _BY_WORDS if words.search(error)), "")

    def advise_turn(self) -> str:
        """Return what to name where the app itself cannot be driven."""
        return advise_turn(self.tree)

    def _has_class(self, name: str | None) -> bool:
        """Whether a class of this name is the project's own."""
        nodes = (node for module in self.tree.modules() for node in walk(module.ast)) if name else ()
        return any(isinstance(node, ast.ClassDef) and node.name == name for node in nodes)

    def _named(self, error: str) -> Iterator[str]:
        """Yield the variables that an exception names: those that the code reads, and what it calls a variable."""
        read = [setting.name for setting in read_settings(self.tree)]
        invalid = _INVALID.match(error)
        if invalid:
            classes = settings_classes(self.tree.modules()).items()
            prefixes = [prefix for node, prefix in classes if node.name == invalid[1]]
            starts = {"", *prefixes} if prefixes else ()
            wanted = {f"{start}{field}".upper() for field in _LACKS.findall(error) for start in starts}
            yield from (name for name in read if name.upper() in wanted)
            return
        words = set(re.findall(r"\w+", error))
        yield from (name for name in read if name in words or ("_" in name and name.lower() in words))
        if "environment" in error.lower():
            yield from (name for name in _VARIABLE.findall(error) if name not in read)

    def _give(self, names: tuple[str, ...]) -> str:
        options = " ".join(f"--env {name}=…" for name in names[:_MOST])
        known = find_variables(self.files)
        files = [known[name].anchor.path for name in names if name in known and "env" in known[name].anchor.path]
        either = f", or take them from a file: `--env-file {self._shown(files[0])}`" if files else ""
        return f"set what it reads: `{options}`{either}"

    def _place(self, path: str) -> str:
        """What helps where a file is not where the app looks for it; a path may have been made absolute there."""
        if Path(path).is_relative_to(self.tree.project):
            path = Path(path).relative_to(self.tree.project).as_posix()
        if Path(path).is_absolute():
            return f"the app expects `{path}`, which is not on this machine: make it, or let the app look elsewhere"
        example = find_example(self.tree.project / path)
        if example is not None:
            shown = [shlex.quote(os.path.relpath(one)) for one in (example, example.with_name(Path(path).name))]
            return f"its example shows what belongs there: `cp {' '.join(shown)}`, and fill it in"
        above = folders_of(self.tree.entry, self.tree.project) if self.tree.entry else ()
        there = next((folder for folder in above if (folder / path).exists()), None)
        if there is None:
            return (
                f"`{path}` is looked for from where statecheck is run: run it in the folder in which the app is started"
            )
        return (
            f"`{path}` is looked for from where statecheck is run, and lies in `{os.path.relpath(there)}`: run it there"
        )

    def _shown(self, path: str) -> str:
        return os.path.relpath(self.tree.project / path)
