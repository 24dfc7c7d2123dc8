"""Where the user's code sees to a model's call that fails: it tries again, or catches what is raised."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import last_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.tree import SourceTree

_AGAIN = ("retry", "retrying", "backoff", "on_exception", "stamina")
_CALLS = frozenset(
    (
        *("chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete"),
        *("astream_complete", "predict", "apredict", "structured_predict", "astructured_predict", "query", "aquery"),
        *("run", "arun", "chat_with_tools", "achat_with_tools"),
    )
)
"""Calls by which a model is asked."""
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def find_retries(tree: SourceTree) -> tuple[Anchor, ...]:
    """Return where that is: what tries again first, then what only catches; the text is `again` or `caught`."""
    found = [anchor for module in tree.modules() for anchor in _find(module.ast, module.shown)]
    return tuple(sorted(found, key=lambda anchor: anchor.text != "again"))


def _find(module: ast.Module, path: str) -> Iterator[Anchor]:
    looped = {inner for node in walk(module) if isinstance(node, _LOOPS) for inner in ast.walk(node)}
    for node in walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for each in node.decorator_list:
                if _tries_again(each):
                    yield Anchor(path, each.lineno, "again")
        elif isinstance(node, (ast.For, ast.AsyncFor)) and _tries_again(node.iter):
            yield Anchor(path, node.lineno, "again")
        elif isinstance(node, ast.Try) and node.handlers and any(map(_asks, node.body)):
            yield Anchor(path, node.lineno, "again" if node in looped else "caught")


def _tries_again(node: ast.expr) -> bool:
    name = last_name(node.func if isinstance(node, ast.Call) else node).lower()
    return any(word in name for word in _AGAIN)


def _asks(node: ast.stmt) -> bool:
    return any(isinstance(each, ast.Call) and last_name(each.func) in _CALLS for each in ast.walk(node))
