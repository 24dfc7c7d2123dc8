"""What to name where an app cannot be driven as it is: a function that answers a turn, by the command that does so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.source.code.resolver import FUNCTIONS
from statecheck.source.code.scopes import parameters
from statecheck.source.roles import as_set, words
from statecheck.target.evaluator import Evaluator
from statecheck.target.turns import is_connection, turn_functions

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.code.scopes import Function
    from statecheck.source.code.tree import SourceTree

_STARTS = as_set("main serve server run start loop init setup")
_MAKE_ONE = "give what answers a turn a function of its own, `reply(session_id, text)`, and name that"


def advise_turn(tree: SourceTree, entry: Path | None = None) -> str:
    """Return a hint that ends with a command: it names a function of the user's, or says that one has to be made.

    Args:
        tree: the user's files.
        entry: the target's file, where the tree does not say.
    """
    values, entry = Evaluator(tree), entry or tree.entry
    own = tree.reach(entry) if entry else ()
    named = [f"{module.shown}:{path}" for module in own for path in turn_functions(module, values)]
    here = next((module for module in own if module.path == entry), None)
    if not named and here is not None:
        functions = [node for node in here.ast.body[::-1] if isinstance(node, FUNCTIONS)]
        named = [f"{here.shown}:{node.name}" for node in functions if _may_take_text(node)]
    if named:
        return f"name what answers a turn: `statecheck diagnose {named[0]}`"
    return f"{_MAKE_ONE}: `statecheck diagnose {here.shown if here is not None else 'app.py'}:reply`"


def _may_take_text(node: Function) -> bool:
    """Whether this is a function that could be handed a text: no start of a server, no framework's own callback."""
    if node.decorator_list or _STARTS.intersection(words(node.name)):
        return False
    names = [argument.arg for argument in parameters(node)]
    return bool(names) and not any(map(is_connection, names))
