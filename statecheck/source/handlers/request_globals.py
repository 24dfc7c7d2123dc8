"""What a framework has ready for the code of a request: the request itself, `g` and its like, the client's session."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.handlers.traces import Value

if TYPE_CHECKING:
    from statecheck.source.handlers.flow import Block, Flow


def named(block: Block, name: str) -> Value:
    """Return what a free name is: `from flask import request`, `g`, or nothing that is known."""
    if _imported_as(block, name, "request", "websocket"):
        return Value(root="request")
    return Value(attrs=kept_by_request(block.flow)) if _imported_as(block, name, "g") else Value()


def kept_by_request(flow: Flow) -> dict[str, Value]:
    """What was put on the request's state, on `g` or on the request, by the names of the attributes."""
    return {key[1:]: value for key, value in flow.kept.items() if key.startswith(".")}


def keeps_for_request(block: Block, holder: ast.expr) -> bool:
    """Whether an attribute that is set on this is kept for the request: on its state or context, `g`, or itself."""
    if isinstance(holder, ast.Attribute):
        return holder.attr in ("state", "ctx")
    if not isinstance(holder, ast.Name):
        return False
    return _imported_as(block, holder.id, "g") or block.value(holder).root == "request"


def is_session(block: Block, holder: ast.expr) -> bool:
    """Whether this is the session that a framework keeps for a client: Flask's, or that of the request."""
    if isinstance(holder, ast.Attribute):
        return holder.attr == "session" and block.value(holder.value).root == "request"
    return isinstance(holder, ast.Name) and _imported_as(block, holder.id, "session")


def _imported_as(block: Block, name: str, *originals: str) -> bool:
    """Whether a free name is imported, and is one of these where it comes from."""
    node = block.flow.modules.names(block.file).get(name)
    return (
        name not in block.env
        and isinstance(node, ast.ImportFrom)
        and any(a.name in originals and name in (a.name, a.asname) for a in node.names)
    )
