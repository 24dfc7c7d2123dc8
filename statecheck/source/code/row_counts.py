"""How many messages the user's code may keep of a conversation, by the numbers that it compares, cuts and asks with.

Only a talk that is longer shows what becomes of one then. A number that means something else costs a long talk for
nothing, so a few places count, and only numbers that a conversation reaches.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

_FEWEST, _MOST = 7, 64
"""What is fewer is passed where turns overlap, and for more a talk takes too long."""
_FEW, _BEYOND = 12, 5
"""Up to how many the unit may be a turn; and how many turns are to be beyond the limit."""
_SQL = re.compile(r"\b(?:LIMIT|OFFSET)\s+(\d+)|(?:%|[<>]=?)\s*(\d+)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"\b(?:SELECT|DELETE|UPDATE|INSERT)\b", re.IGNORECASE)
_QUERIES = frozenset(
    (
        *("execute", "executemany", "exec_driver_sql", "fetch", "fetchall", "fetchmany", "fetchrow", "fetchval"),
        *("limit", "offset", "slice", "islice", "deque", "nlargest", "prune", "trim"),
        *("ltrim", "lrange", "zremrangebyrank", "zrange", "zrevrange", "xadd", "xtrim", "xrevrange"),
    )
)
"""Calls whose arguments say how much is read, or put away."""
_KEYWORDS = frozenset(
    (
        *("maxlen", "max_messages", "max_turns", "max_history", "max_rows", "max_items", "last_n", "window"),
        *("window_size", "keep", "limit", "offset", "per_page", "page_size"),
    )
)


def find_longest_talk(tree: SourceTree) -> int:
    """Return how many turns go beyond the greatest limit that the code may set to a conversation; 0 for none.

    A limit is taken for one of messages, of which a turn has two, unless so few turns take no time.
    """
    numbers = [number for module in tree.modules() for number in _Counts(module).numbers()]
    fitting = [number for number in numbers if _FEWEST <= number <= _MOST]
    turns = [number if number <= _FEW else number // 2 for number in fitting]
    return max(turns) + _BEYOND if turns else 0


class _Counts:
    """Reads one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._constants: Mapping[str, ast.expr] = {
            **{name: value for node in walk(module.ast) for name, value in _defaults(node)},
            **{
                target.id: node.value
                for node in walk(module.ast)
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None
                for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
                if isinstance(target, ast.Name)
            },
        }

    def numbers(self) -> Iterator[int]:
        for node in walk(self._module.ast):
            for number in map(self._number, _places(node)):
                if number is not None:
                    yield abs(number)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _STATEMENT.search(node.value):
                for found in _SQL.finditer(node.value):
                    yield int(found[1] or found[2])

    def _number(self, node: ast.expr, further: int = 3) -> int | None:
        """What a number is: a literal, what a name, a parameter or a variable is by default, twice a number."""
        if isinstance(node, ast.Constant):
            text = str(node.value)
            return int(text) if re.fullmatch(r"\d{1,4}", text) else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._number(node.operand, further)
        if isinstance(node, (ast.Name, ast.Attribute)) and further and last_name(node) in self._constants:
            return self._number(self._constants[last_name(node)], further - 1)
        if isinstance(node, ast.Call) and node.args and last_name(node.func) in ("int", "getenv", "get"):
            return self._number(node.args[-1], further)
        if isinstance(node, ast.BinOp):
            left, right = self._number(node.left, further), self._number(node.right, further)
            if left is not None and right is not None and isinstance(node.op, ast.Mult):
                return left * right
            return left if right is None else right if left is None else max(left, right)
        return None


def _defaults(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function that need not be given, each with what it is then."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        named = [*node.args.posonlyargs, *node.args.args]
        with_default = named[len(named) - len(node.args.defaults) :]
        yield from ((each.arg, value) for each, value in zip(with_default, node.args.defaults, strict=True))
        for each, given in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if given is not None:
                yield each.arg, given


def _places(node: ast.AST) -> Iterator[ast.expr]:
    """The parts of a node that may be how much is kept."""
    if isinstance(node, ast.Compare) and any(isinstance(each, (ast.Gt, ast.GtE, ast.Lt, ast.LtE)) for each in node.ops):
        yield from (node.left, *node.comparators)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and not isinstance(node.left, ast.Constant):
        yield node.right
    elif isinstance(node, ast.Slice):
        yield from (each for each in (node.lower, node.upper) if each is not None)
    elif isinstance(node, ast.Call):
        if last_name(node.func) in _QUERIES:
            yield from (inner for each in (*node.args, *(k.value for k in node.keywords)) for inner in _inside(each))
        yield from (each.value for each in node.keywords if each.arg in _KEYWORDS)
    elif isinstance(node, ast.JoinedStr):  # `f"... LIMIT {KEEP}"`
        yield from (each.value for each in node.values if isinstance(each, ast.FormattedValue))


def _inside(node: ast.expr) -> Iterator[ast.expr]:
    """An argument, and what it holds: parameters come as a tuple, a list or a mapping."""
    yield node
    if isinstance(node, (ast.Tuple, ast.List)):
        yield from node.elts
    elif isinstance(node, ast.Dict):
        yield from node.values
