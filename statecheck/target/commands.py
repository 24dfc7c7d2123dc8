"""Read how a program takes commands: which word of its command line leads to a function of it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.code.resolver import FUNCTIONS
from statecheck.source.code.scopes import last_name
from statecheck.target.evaluator import imports_top

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.code.modules import Module

_LIBRARIES = ("click", "typer", "rich_click", "asyncclick", "cyclopts")
_ALL_OF_IT = "Fire"
_SERVES = re.compile(r"(serve|server|run|start|web|api|up|http|launch|dev)([-_].*)?|.*[-_](serve|server|run|start)")


def is_command(module: Module, function: ast.AST) -> bool:
    """Whether a decorator makes a function a program, which reads its parameters off the command line itself."""
    return any(imports_top(module, library) for library in _LIBRARIES) and any(_commands(function))


def choose_arguments(module: Module, scopes: Sequence[ast.AST]) -> tuple[str, ...]:
    """Return the words with which a program has to be started so that it comes to a place of its code.

    Args:
        module: the program.
        scopes: the functions and classes around that place, outermost first.
    """
    functions = [scope for scope in scopes if isinstance(scope, FUNCTIONS)]
    for function in functions:
        for group, name in _commands(function):
            if group and len([1 for each in _all_commands(module) if each[0] == group]) + _is_click(module) > 1:
                return (name,)
    for call in module.calls:
        if last_name(call.func) == _ALL_OF_IT and functions:
            of_class = isinstance(scopes[0], ast.ClassDef)
            return (functions[0].name,) if of_class or not call.args or isinstance(call.args[0], ast.Dict) else ()
    parsers = [call.args[0] for call in module.calls if last_name(call.func) == "add_parser" and call.args]
    words = [str(first.value) for first in parsers if isinstance(first, ast.Constant)]
    return next(((word,) for word in words if _SERVES.fullmatch(word)), ())


def _commands(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (group, name) for each decorator that makes a function a command; a command of no group has none."""
    for mark in getattr(function, "decorator_list", ()):
        callee = mark.func if isinstance(mark, ast.Call) else mark
        if last_name(callee) not in ("command", "group", "callback"):
            continue
        given = mark.args[:1] if isinstance(mark, ast.Call) else []
        given += [keyword.value for keyword in getattr(mark, "keywords", ()) if keyword.arg == "name"]
        said = next((str(each.value) for each in given if isinstance(each, ast.Constant) and each.value), "")
        owner = last_name(callee.value) if isinstance(callee, ast.Attribute) else ""
        group = "" if owner in _LIBRARIES or last_name(callee) != "command" else owner
        yield group, said or str(getattr(function, "name", "")).lower().replace("_", "-")


def _all_commands(module: Module) -> Iterator[tuple[str, str]]:
    for node in module.ast.body:
        yield from _commands(node)


def _is_click(module: Module) -> bool:
    """Whether a group asks for a command even where it has just one, as Typer does not."""
    return not imports_top(module, "typer")
