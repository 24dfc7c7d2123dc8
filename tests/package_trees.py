"""The syntax trees of the whole package, each file read once, when the first test asks."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "statecheck"
FILES = tuple(path for path in sorted(PACKAGE.rglob("*.py")) if "_scenarios" not in path.parts)


@cache
def parse(path: Path) -> ast.Module:
    """Return the tree of one file of the package."""
    return ast.parse(path.read_bytes())


@cache
def walk(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return all nodes of a file's tree, walked once for all tests that ask."""
    return tuple(ast.walk(tree))


@cache
def trees() -> dict[str, ast.Module]:
    """Return all trees by their paths in the package, with slashes."""
    return {path.relative_to(PACKAGE).as_posix(): parse(path) for path in FILES}
