"""What code does with a variable that it read: it cannot do without a value, makes one of its own, takes it apart."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, walk
from statecheck.source.project.variable_reads import CONSTANT, read_variable
from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARSERS = as_set(
    "int float Decimal loads literal_eval Fernet MultiFernet UUID Path b64decode urlsafe_b64decode fromhex unhexlify "
    "fromisoformat ZoneInfo strtobool"
)
"""What takes a text apart, and fails on None."""
_ASKS_OR_ENDS = re.compile(
    r"exit|abort|fail|\bdie\b|raise|missing|lack|require|need|input|getpass|prompt", re.IGNORECASE
)


def find_needed(node: ast.Call) -> Iterator[str]:
    """Yield the variables and constants that a call fails on where they are None: `int(os.getenv("SIZE"))`.

    A variable has a dollar sign before its name.
    """
    values = list(node.args) if last_name(node.func) in _PARSERS else []
    if isinstance(node.func, ast.Attribute):
        values.append(node.func.value)  # `os.getenv("HOSTS").split(",")`
    for value in values:
        read = read_variable(value)
        if read is not None and read[1] is None:
            yield f"${read[0]}"
        elif isinstance(value, ast.Name) and CONSTANT.match(value.id) and value in node.args:
            yield value.id


def find_replaced(node: ast.AST) -> Iterator[str]:
    """Yield the variables in whose place the code makes a value: `os.getenv("KEY") or Fernet.generate_key()`.

    Not where what follows asks somebody for it, or ends the program.
    """
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        for value, other in zip(node.values, node.values[1:], strict=False):
            read = read_variable(value)
            if read is not None and _makes(other):
                yield read[0]
    read = read_variable(node)
    if read is not None and read[1] is not None and _makes(read[1]):
        yield read[0]


def find_item_uses(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (variable, callee) where each part of a variable's text is given to something.

    `[int(each) for each in os.environ["IDS"].split(",")]` and `map(int, os.environ["IDS"].split(","))`.
    """
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)) and isinstance(node.elt, ast.Call):
        given = {argument.id for argument in node.elt.args if isinstance(argument, ast.Name)}
        for part in node.generators:
            if isinstance(part.target, ast.Name) and part.target.id in given:
                yield from ((name, last_name(node.elt.func)) for name in _reads_in(part.iter))
    elif isinstance(node, ast.Call) and last_name(node.func) == "map" and len(node.args) > 1:
        yield from ((name, last_name(node.args[0])) for name in _reads_in(node.args[1]))


def _reads_in(expression: ast.expr) -> Iterator[str]:
    yield from (read[0] for inner in walk(expression) if (read := read_variable(inner)) is not None)


def _makes(node: ast.expr) -> bool:
    """Whether an expression is a value that the program makes itself."""
    if read_variable(node) is not None:
        return False
    if isinstance(node, ast.Call):
        return not _ASKS_OR_ENDS.search(last_name(node.func))
    return isinstance(node, (ast.Name, ast.JoinedStr))
