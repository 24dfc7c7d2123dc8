"""The code of a project, as handlers are read in it: its names, its environment, what it decorates as handlers."""

from __future__ import annotations

import ast
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from statecheck.source.code.files import python_files
from statecheck.source.code.resolver import FUNCTIONS, Definition, Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from statecheck.source.code.tree import SourceTree

_BEFORE = re.compile(rb"middleware|before_|on_request|def dispatch|def process_request")


class ProjectCode(Resolver):
    """Resolves a project's names, and finds those of its functions that a framework calls.

    Args:
        tree: the user's files.
        environment: the variables that the code finds where it runs.
    """

    def __init__(self, tree: SourceTree, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(tree)
        self.project = tree.project.resolve()
        self.environment = environment
        self._middlewares: list[Definition] | None = None
        self._decorated: list[tuple[str, str, str, Path, int]] | None = None

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

    def middlewares(self) -> list[Definition]:
        """Every function of the project that is called before its handlers: decorated as one, or a class's dispatch."""
        if self._middlewares is None:
            self._middlewares = [
                Definition(file, node)
                for file in python_files(self.source.project)
                if _BEFORE.search(self.source.sources.peek(file))
                for node in ast.walk(self.tree(file) or ast.Module([], []))
                if isinstance(node, FUNCTIONS)
                if node.name in ("dispatch", "process_request") or any(_is_before(mark) for mark in node.decorator_list)
            ]
        return self._middlewares


def _is_before(mark: ast.expr) -> bool:
    """Whether a decorator has a function called before each handler."""
    spelled = ast.unparse(mark.func if isinstance(mark, ast.Call) else mark)
    return spelled.endswith((".middleware", ".before_request", ".before_app_request", ".on_request"))
