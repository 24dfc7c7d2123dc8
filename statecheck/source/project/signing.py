"""Where the user's code sets the secret key that signs its sessions, if every process makes one of its own."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import last_name, walk
from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.tree import SourceTree

_DRAWN = as_set(
    "urandom token_hex token_bytes token_urlsafe uuid1 uuid4 get_random_secret_key get_random_string generate_key "
    "randbytes getrandbits choices choice sample"
)


def find_random_secrets(tree: SourceTree) -> tuple[Anchor, ...]:
    """Return the lines that set a secret key to what is drawn at random, directly or by a name that is."""
    drawn: set[str] = set()
    found = []
    for module in tree.modules():
        for name, value in sorted(_bindings(module.ast), key=lambda pair: pair[1].lineno):
            if _is_drawn(value, drawn):
                drawn.add(name)
                if name.lower().endswith(("secret_key", "secret", "secretkey")):
                    found.append(Anchor(module.shown, value.lineno))
    return tuple(found)


def _is_drawn(value: ast.expr, drawn: set[str]) -> bool:
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and last_name(node.func) in _DRAWN:
            return True
        if isinstance(node, (ast.Name, ast.Attribute)) and last_name(node) in drawn:
            return True
    return False


def _bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield (name, value) of assignments to names, attributes and text keys, of keywords and of literals' keys."""
    for node in walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((_name(target), node.value) for target in node.targets)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield _name(node.target), node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value
        elif isinstance(node, ast.Dict):
            yield from ((_name(key), value) for key, value in zip(node.keys, node.values, strict=True) if key)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        node = node.slice
    return str(node.value) if isinstance(node, ast.Constant) else last_name(node)
