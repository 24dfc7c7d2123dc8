"""How frameworks hand a request to a handler: Starlette, FastAPI, Flask, Quart, Django, aiohttp, Sanic, Bottle, Falcon.

The accessors are named alike, so one table serves them all.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.fields import Place, Where
from statecheck.source.handlers.models import constant, makes_key
from statecheck.source.handlers.request_globals import kept_by_request
from statecheck.source.handlers.traces import Evidence, Value, merge

if TYPE_CHECKING:
    from statecheck.source.handlers.flow import Block

_BODY = {
    "json": "json",
    "get_json": "json",
    "media": "json",
    "get_media": "json",
    "receive_json": "json",
    "iter_json": "json",
    "form": "form",
    "POST": "form",
}
_BODY |= {"forms": "form", "post": "form", "values": "form", "params": "form"}
_RAW = frozenset(("body", "data", "get_data", "read", "text", "stream", "content", "body_file"))
_HEARD = frozenset(("receive", "receive_text", "receive_json", "iter_text", "iter_json", "recv"))
"""How a message of a WebSocket connection is taken."""
_ELSEWHERE: dict[str, Where] = {
    "args": "query",
    "GET": "query",
    "query": "query",
    "query_params": "query",
    "rel_url": "query",
    "headers": "header",
    "META": "header",
    "cookies": "cookie",
    "COOKIES": "cookie",
    "path_params": "path",
    "match_info": "path",
    "view_args": "path",
    "url_args": "path",
}
_GATEWAY: dict[str, Where] = {
    "headers": "header",
    "queryStringParameters": "query",
    "pathParameters": "path",
}
_DECODERS = dict.fromkeys(("loads", "load", "decode_json", "validate_json"), "json")
_DECODERS |= dict.fromkeys(("parse_qs", "parse_qsl"), "form") | dict.fromkeys(("b64decode", "unquote_plus", "str"), "")
_CALLED = frozenset(("json", "get_json", "get_media", "form", "post", "body", "get_data", "read", "text"))
_OF_FILES = frozenset(("filename", "content_type", "file"))
_VALIDATED = ("cleaned_data", "validated_data")
_GETTERS = frozenset(("get", "getlist", "getone", "pop", "getall", "get_list", "getfirst", "__getitem__"))
_ARGUMENTS: dict[str, Where] = {
    "get_argument": "body",
    "get_body_argument": "body",
    "get_query_argument": "query",
    "get_cookie": "cookie",
    "get_header": "header",
    "get_param": "query",
}


def attribute_of(block: Block, owner: Value, name: str, *, item: bool = False) -> Value:
    """Return an attribute or an item of a value, if it leads on into the request."""
    if owner.root == "request":
        return _of_request(block, name)
    if owner.root == "raw":
        return _body(block, "json", (name,)) if item else owner
    if owner.root == "files":
        return _file(block, name)
    if owner.attrs is not None:
        return owner.attrs.get(name, Value())
    if owner.at is None:
        return Value(root="request") if name == "request" and not owner.parts else Value(parts=owner.all)
    if owner.at.where == "event" and not owner.at.path and (name == "body" or name in _GATEWAY):
        return Value(root="raw") if name == "body" else Value(at=Place(_GATEWAY[name], ()))
    if name in _VALIDATED and owner.at == Place("body", ()):  # of a form that was made of it
        return owner
    if owner.at.where in ("body", "event"):
        return Value(at=Place(owner.at.where, (*owner.at.path, name)))
    if owner.at.path:
        return owner
    return Value(at=Place(owner.at.where, (header_name(name) if owner.at.where == "header" else name,)))


def each_of(block: Block, owner: Value, names: tuple[str, ...]) -> Value:
    """Return what the parts of these names are together; each is noted as read."""
    return merge([block.step(attribute_of(block, owner, name, item=True)) for name in names])


def read_call(block: Block, owner: Value, name: str, node: ast.Call, arguments: list[Value]) -> Value | None:
    """Tell what a method call reads of the request, or None if it reads nothing of it."""
    first = node.args[0] if node.args else None
    key = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    if name == "get" and not arguments and isinstance(node.func, ast.Attribute):
        kept = block.flow.kept.get(ast.unparse(node.func.value))  # a context variable
        if kept is not None:
            return kept
    if owner.root == "request" and name in (*_CALLED, *_HEARD):
        return _of_request(block, name)
    if name in _ARGUMENTS and key is not None and (owner.root == "request" or not owner.all):
        where = _ARGUMENTS[name]
        if where == "body":
            return _body(block, "form", (key,))
        return Value(at=Place(where, (header_name(key) if where == "header" else key,)))
    if name in _GETTERS and arguments and (got := _got(block, owner, key, node, arguments[0])) is not None:
        return got
    if arguments and arguments[0].root == "raw" and name in _DECODERS:
        return _body(block, _DECODERS[name], ()) if _DECODERS[name] else arguments[0]
    if owner.root == "raw" or (owner.at is not None and name not in ("append", "format")):
        return owner
    return None


def _got(block: Block, owner: Value, key: str | None, node: ast.Call, first: Value) -> Value | None:
    """Return what a getter gets: the part of its first argument's name, or of each of its names."""
    if first.words and owner.at is not None:
        return each_of(block, owner, first.words)
    if key is None or (owner.at is None and owner.attrs is None and not owner.root):
        return None
    got = attribute_of(block, owner, key, item=True)
    if got.at is not None:
        _optional(block, got.at, node.args[1] if len(node.args) > 1 else None, node)
    return got


def header_name(name: str) -> str:
    """Return a header's name from the way that code spells it: `HTTP_X_PUPIL`, `x_pupil`, `X-Pupil`."""
    return name.removeprefix("HTTP_").replace("_", "-").title() if "_" in name or name.islower() else name


def _of_request(block: Block, name: str) -> Value:

    if name in _BODY:
        return _body(block, _BODY[name], ())
    if name in _RAW or name in _HEARD:
        return Value(root="raw")
    if name in _ELSEWHERE:
        return Value(at=Place(_ELSEWHERE[name], ()))
    if name in ("files", "FILES"):
        return Value(root="files")
    if name in ("state", "ctx"):
        return Value(attrs=kept_by_request(block.flow))
    return Value(root="request") if name == "request" else kept_by_request(block.flow).get(name, Value())


def _file(block: Block, *path: str) -> Value:
    """Return nothing that speaks, and note that a file travels there."""
    block.flow.encoding = "multipart"
    block.flow.evidence.setdefault(Place("body", path), Evidence()).schema["format"] = "binary"
    return Value()


def _body(block: Block, encoding: str, path: tuple[str, ...]) -> Value:

    block.flow.encoding = block.flow.encoding or encoding
    return Value(at=Place("body", path))


def _optional(block: Block, place: Place, default: ast.expr | None, node: ast.Call) -> None:

    entry = block.flow.evidence.setdefault(place, Evidence())
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
        entry.optional = True
    if default is not None:
        entry.generated |= makes_key(default)
        entry.default = constant(default)
