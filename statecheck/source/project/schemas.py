"""SQL scripts of the project that make its tables, for a database that starts empty."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.code import reading
from statecheck.source.code.files import directories
from statecheck.source.code.scopes import walk

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.code.tree import SourceTree

_MAKES = re.compile(r"\bCREATE\s+(TABLE|TYPE|EXTENSION|SCHEMA)\b", re.IGNORECASE)
_BACK = re.compile(r"down|rollback|revert|drop|undo", re.IGNORECASE)
_MOST_BYTES, _MOST_FILES = 1_000_000, 200


def read_schema_scripts(tree: SourceTree, project: Path) -> tuple[str, ...]:
    """Return the texts of the scripts that somebody runs before the app is started, in the order of their paths.

    None where the app's own code names SQL files: it runs them itself.
    """
    if any(_names_scripts(node) for module in tree.modules() for node in walk(module.ast)):
        return ()
    files = [folder / name for folder, names in directories(project) for name in names if name.endswith(".sql")]
    found = []
    for file in sorted(file for file in files if not _BACK.search(file.name))[:_MOST_FILES]:
        text = reading.peek(file)[:_MOST_BYTES].decode("utf-8", "replace")
        if _MAKES.search(text):
            found.append(text)
    return tuple(found)


def _names_scripts(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".sql")
