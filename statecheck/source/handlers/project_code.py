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

_BEFORE = re.compile(rb"middleware|before_|on_request|def dispatch|def process_request|get_response|receive|environ")
_DECORATORS = (".middleware", ".before_request", ".before_app_request", ".on_request")
_HOOKS = frozenset(("before_request", "before_app_request", "register_middleware", "add_hook", "middleware", "hook"))
"""Calls that are handed what is to be called before each handler."""
_CALLED = (("scope", "receive", "send"), ("environ", "start_response"))
"""The parameters of a class's `__call__`, or of a function, that wraps an ASGI or a WSGI app."""


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
                if _is_wrapper(node) or any(map(_is_before, node.decorator_list)) or node.name in self._handed(file)
            ]
        return self._middlewares

    def _handed(self, file: Path) -> set[str]:
        """The names of functions that a file hands to what calls them before each handler."""
        calls = (node for node in ast.walk(self.tree(file) or ast.Module([], [])) if isinstance(node, ast.Call))
        handed = [
            *(each.args for each in calls if isinstance(each.func, ast.Attribute) and each.func.attr in _HOOKS),
        ]
        return {each.id for arguments in handed for each in arguments if isinstance(each, ast.Name)}


def _is_before(mark: ast.expr) -> bool:
    """Whether a decorator has a function called before each handler."""
    spelled = ast.unparse(mark.func if isinstance(mark, ast.Call) else mark)
    hook = isinstance(mark, ast.Call) and any(ast.unparse(each) == "'before_request'" for each in mark.args)
    return spelled.endswith(_DECORATORS) or (hook and spelled.endswith("hook"))


def _is_wrapper(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is what middleware is made of, by its name and parameters: a class's, or an inner one's."""
    names = tuple(argument.arg for argument in node.args.args if argument.arg != "self")
    if node.name == "__call__":
        return names in _CALLED or names == ("request",)
    if node.name in ("dispatch", "process_request"):
        return True
    return names in _CALLED or (node.name.endswith("middleware") and names == ("request",))
