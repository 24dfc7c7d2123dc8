"""Where a file's import root is: what goes on `sys.path`, and the dotted name under which the file is imported."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.source.code import reading
from statecheck.source.code.files import python_files
from statecheck.source.code.scopes import walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statecheck.source.code.sources import Sources

_PROJECT_FILES = (".git", "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "Dockerfile", "manage.py")
_MAX_CLIMB = 8
_MAX_RELATIVES = 30
_MAX_NEIGHBOURS, _MAX_NEIGHBOUR_DEPTH = 300, 3


def import_root(path: Path, cwd: Path, sources: Sources) -> tuple[Path, str]:
    """Return the directory above which a file is no package any more, and the file's dotted name below it.

    The file's own imports decide: the root from which most of them are found in the user's tree; where they do
    not say, those of the files that it imports relatively. Where none says, it is the directory above the outermost
    `__init__.py`, or the one from which other files of the tree import this one. Relative imports need a package
    around the file.

    Args:
        path: absolute file.
        cwd: the working directory; roots are looked for up to there, or up to a project file.
        sources: read the file and its neighbours.

    Raises:
        StatecheckError: the file cannot be read or parsed.
    """
    _, syntax = sources.parse(path, path.name)
    least = max(_relative_level(syntax), int(path.stem == "__init__"))
    chain = _package_depth(path)
    most = max(least, chain, _outermost(path, cwd))
    roots = [_above(path, depth) for depth in range(least, most + 1)]
    scores = [0 for _ in roots]
    for wanted in _absolute_imports(path, syntax, sources):
        scores = scores if any(scores) else [sum(_resolves(root, name) for name in wanted) for root in roots]
    default = max(chain, least) or _neighbours_depth(path, most, sources)
    best = max(scores, default=0)
    if best and (default > most or scores[default - least] < best):
        default = least + scores.index(best)
    root = _above(path, default)
    return root, _dotted_name(path, root)


def is_run_in(cwd: Path, path: Path) -> bool:
    """Whether an app of this file is run in the working directory: it lies above, and is not the machine's root."""
    return path.is_relative_to(cwd) and cwd != cwd.parent


def _above(path: Path, depth: int) -> Path:
    parents = path.parents
    return parents[min(depth, len(parents) - 1)]


def _dotted_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _relative_level(syntax: ast.Module) -> int:
    """How many packages the file's relative imports need around it."""
    return max((node.level for node in walk(syntax) if isinstance(node, ast.ImportFrom)), default=0)


def _package_depth(path: Path) -> int:
    """How many directories up the last `__init__.py` is; a `src` directory and an odd name end it."""
    depth = 0
    for folder in path.parents:
        if not reading.is_file(folder / "__init__.py") or folder.name == "src" or not folder.name.isidentifier():
            break
        depth += 1
    return depth


def _outermost(path: Path, cwd: Path) -> int:
    """Return how far up a root is looked for: to the working directory, else to the outermost project file."""
    depths = range(min(_MAX_CLIMB, len(path.parents) - 1))
    if is_run_in(cwd, path):
        return next((depth for depth in depths if path.parents[depth] == cwd), _MAX_CLIMB)
    marked = (depth for depth in depths if any(reading.exists(path.parents[depth] / name) for name in _PROJECT_FILES))
    return max(marked, default=0)


def _absolute_imports(path: Path, syntax: ast.Module, sources: Sources) -> Iterator[set[tuple[str, str]]]:
    """Yield the absolute imports, as `_absolute` does, of the file and then of those that it imports relatively."""
    yield _absolute(syntax)
    found: set[tuple[str, str]] = set()
    seen = {path: syntax}
    queue = [path]
    for file in queue:
        for near in _relative(file, seen[file]):
            if near not in seen and len(seen) < _MAX_RELATIVES:
                try:
                    _, seen[near] = sources.parse(near, near.name)
                except StatecheckError:
                    continue
                found |= _absolute(seen[near])
                queue.append(near)
    yield found


def _relative(path: Path, syntax: ast.Module) -> Iterator[Path]:
    """Yield the files that a file imports relatively."""
    for node in walk(syntax):
        if isinstance(node, ast.ImportFrom) and node.level:
            place = _above(path, node.level - 1).joinpath(*(node.module or "").split("."))
            for name in (place, *(place / alias.name for alias in node.names)):
                yield from filter(reading.is_file, (name.with_suffix(".py"), name / "__init__.py"))


def _absolute(syntax: ast.Module) -> set[tuple[str, str]]:
    """Return the absolute imports, as (module, member or ""), that are not the standard library's."""
    found = set()
    for node in walk(syntax):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {(node.module, alias.name) for alias in node.names}
    return {item for item in found if item[0].partition(".")[0] not in sys.stdlib_module_names}


def _resolves(root: Path, item: tuple[str, str]) -> bool:
    name, member = item
    place = root.joinpath(*name.split("."))
    files = [place.with_name(f"{place.name}.py"), place / "__init__.py"]
    if member:
        files += [place / f"{member}.py", place / member / "__init__.py"]
    return any(map(reading.is_file, files))


def _neighbours_depth(path: Path, most: int, sources: Sources) -> int:
    """How far up the root is from which other files import this one's folder (`from loans.main import app`)."""
    for depth in range(1, min(most, _MAX_NEIGHBOUR_DEPTH) + 1):
        root = _above(path, depth)
        package = ".".join(path.parent.relative_to(root).parts)
        statement = re.compile(
            rf"^\s*(?:from|import)\s+{re.escape(package)}(?=[.\s])".encode("utf-8", "surrogateescape"), re.MULTILINE
        )
        for number, file in enumerate(python_files(root)):
            if number >= _MAX_NEIGHBOURS:
                break
            if statement.search(sources.peek(file)):
                return depth
    return 0
