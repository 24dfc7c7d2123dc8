"""What the user's code means to keep and does not, as it is read off the code: a slip by itself is no loss.

Nothing of it is recorded while the app runs, as a dict and a list are of no class of the library's. So it is looked at
where a turn was lost, and only of functions that ran in it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.source.code.scopes import Function, last_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statecheck.model import Anchor
    from statecheck.source.code.modules import Module

COPIES = frozenset(("list", "dict", "tuple", "sorted", "reversed", "deepcopy", "copy", "enumerate"))
LOOKS_AT = COPIES | frozenset(("len", "str", "repr", "print", "bool", "isinstance"))
"""Functions that take a container and put nothing into it."""
_FURTHEST = 6  # calls from the function that asks a model to the one that asks a container


@dataclass(frozen=True, slots=True)
class Slip:
    """One of them.

    Attributes:
        kind: `unfilled` is a container that outlives requests, that is asked and that nothing fills; `dropped` is a
            list that takes an answer after it was handed over, and that nothing uses after that; `guarded` is a
            save that a condition may keep from happening; `copied` is put back into what each request has anew.
        name: what it is called.
        function: the function that asks it, or fills it.
        callers: the names of functions by which that one is called, however far from it.
        made: where it is made, or put back; for a list where this function gets it.
        used: where it is asked; for a list the call that it is handed to, and where it is filled.
    """

    kind: Literal["unfilled", "dropped", "guarded", "copied"]
    name: str
    function: str
    callers: tuple[str, ...]
    made: Anchor
    used: tuple[Anchor, ...]


class Callers:
    """Which functions call one, by their names alone."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._by: defaultdict[str, set[str]] = defaultdict(set)
        for module in modules:
            for function in functions(module.ast):
                for node in ast.walk(function):
                    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                        self._by[last_name(node)].add(function.name)

    def of(self, name: str) -> tuple[str, ...]:
        """The function itself, those that name it, and those that name these."""
        found = {name}
        for _ in range(_FURTHEST):
            more = {caller for each in found for caller in self._by.get(each, ())} - found
            if not more:
                break
            found |= more
        return tuple(sorted(found))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of a tree, those inside of others too."""
    return (node for node in walk(tree) if isinstance(node, Function))
