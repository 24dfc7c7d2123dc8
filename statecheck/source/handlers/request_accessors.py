"""How frameworks hand a request to a handler: Starlette, Flask, Quart, Django, aiohttp, Tornado, Sanic, Bottle, Falcon.

The accessors are named alike, so one table serves them all.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from statecheck.source.fields import BASIC, Field, Place, Where
from statecheck.source.handlers.models import constant, makes_key, makes_object
from statecheck.source.handlers.notes import WHOLE, Traced, merge

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.handlers.notes import Notes
    from statecheck.source.handlers.project_code import ProjectCode

Global = Literal["request", "g", "session"]
"""What a framework has ready for handlers: the request, what is kept for it, the client's session."""

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
_DECODERS = dict.fromkeys(("loads", "load", "decode_json", "json_decode", "validate_json"), "json")
_DECODERS |= dict.fromkeys(("parse_qs", "parse_qsl"), "form") | dict.fromkeys(("b64decode", "unquote_plus", "str"), "")
_CALLED = frozenset(("json", "get_json", "get_media", "form", "post", "body", "get_data", "read", "text"))
_GLOBALS: dict[str, Global] = {"request": "request", "websocket": "request", "g": "g", "session": "session"}
_VALIDATED = ("cleaned_data", "validated_data")
_GETTERS = frozenset(("get", "getlist", "getone", "pop", "getall", "get_list", "getfirst", "__getitem__"))
_ARGUMENTS: dict[str, Where] = {
    "get_argument": "body",
    "get_body_argument": "body",
    "get_query_argument": "query",
    "get_cookie": "cookie",
    "get_secure_cookie": "cookie",
    "get_signed_cookie": "cookie",
    "get_header": "header",
    "get_param": "query",
}


def request_global(code: ProjectCode, file: Path, name: str) -> Global | None:
    """Return what a name is that a module imports from its framework: `from flask import request`."""
    module = code.source.get(file)
    return _GLOBALS.get(code.original_name(module, name)) if module is not None else None


def attribute_of(notes: Notes, owner: Traced, name: str, *, item: bool = False) -> Traced:
    """Return an attribute or an item of a value, if it leads on into the request."""
    if owner.root == "request":
        return _of_request(notes, name)
    if owner.root == "raw":
        notes.looked_into = notes.looked_into or item
        return _body(notes, "json", (name,)) if item else owner
    if owner.root == "files":
        return _file(notes, name)
    if owner.attrs is not None:
        return owner.attrs.get(name, Traced())
    if owner.at is None:
        return Traced(root="request") if name == "request" and not owner.parts else Traced(parts=owner.all)
    if owner.at.where == "event" and not owner.at.path and (name == "body" or name in _GATEWAY):
        return Traced(root="raw") if name == "body" else Traced(at=Place(_GATEWAY[name], ()))
    if name in _VALIDATED and owner.at == WHOLE:  # of a form that was made of it
        return owner
    if owner.at.where in ("body", "event"):
        return Traced(at=Place(owner.at.where, (*owner.at.path, name)))
    if owner.at.path:
        return owner
    return Traced(at=Place(owner.at.where, (header_name(name) if owner.at.where == "header" else name,)))


def each_of(notes: Notes, owner: Traced, names: tuple[str, ...]) -> Traced:
    """Return what the parts of these names are together; each is noted as read."""
    return merge([notes.read(attribute_of(notes, owner, name, item=True)) for name in names])


def read_call(notes: Notes, owner: Traced, name: str, node: ast.Call, arguments: list[Traced]) -> Traced | None:
    """Return what a method call reads of the request, or None if it reads nothing of it."""
    first = node.args[0] if node.args else None
    key = _key_of(first)
    if name == "get" and not arguments and isinstance(node.func, ast.Attribute):
        kept = notes.kept.get(ast.unparse(node.func.value))  # a context variable
        if kept is not None:
            return kept
    if owner.root == "request" and name in (*_CALLED, *_HEARD):
        return _of_request(notes, name)
    if name in _ARGUMENTS and key is not None and (owner.root == "request" or not owner.all):
        where = _ARGUMENTS[name]
        if where == "body":
            return _body(notes, "form", (key,))
        return Traced(at=Place(where, (header_name(key) if where == "header" else key,)))
    if name == "getattr" and len(arguments) > 1 and (got := _get_named(notes, node, arguments[0])) is not None:
        return got
    if name in _GETTERS and arguments and (got := _get(notes, owner, key, node, arguments[0])) is not None:
        return got
    if arguments and arguments[0].root == "raw" and name in _DECODERS:
        notes.decoded = True
        return _body(notes, _DECODERS[name], ()) if _DECODERS[name] else arguments[0]
    if owner.root == "raw" or (owner.at is not None and name not in ("append", "format")):
        return owner
    return None


def wrap_scope(name: str, given: list[Traced]) -> Traced | None:
    """Return what a class of Starlette's makes of an ASGI scope: `Request(scope)`, `Headers(scope=scope)`."""
    if not any(each.root == "request" for each in given):
        return None
    if name in ("Headers", "QueryParams"):
        return Traced(at=Place("header" if name == "Headers" else "query", ()))
    return Traced(root="request") if name in ("Request", "HTTPConnection") else None


def _key_of(first: ast.expr | None) -> str | None:
    """The name that a getter is given: a text, or bytes as those of a header in an ASGI scope."""
    if not isinstance(first, ast.Constant):
        return None
    return (
        first.value.decode("latin-1")
        if isinstance(first.value, bytes)
        else first.value
        if isinstance(first.value, str)
        else None
    )


def _get(notes: Notes, owner: Traced, key: str | None, node: ast.Call, first: Traced) -> Traced | None:
    """Return what a getter gets: the part of its first argument's name, or of each of its names."""
    if first.words and owner.at is not None:
        return each_of(notes, owner, first.words)
    if key is None or (owner.at is None and owner.attrs is None and not owner.root):
        return None
    got = attribute_of(notes, owner, key, item=True)
    if got.at is not None:
        named = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
        _note_default(notes, got.at, node.args[1] if len(node.args) > 1 else named, node)
    return got


def _get_named(notes: Notes, node: ast.Call, owner: Traced) -> Traced | None:
    """Return what `getattr(event, "question", "")` gets."""
    key, *default = node.args[1:]
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        return None
    got = attribute_of(notes, owner, key.value)
    if got.at is None:
        return None
    if default:
        notes.usage(got.at).optional = True
        _note_default(notes, got.at, default[0], node)
    return got


def header_name(name: str) -> str:
    """Return a header's name from the way that code spells it: `HTTP_X_PUPIL`, `x_pupil`, `X-Pupil`."""
    return name.removeprefix("HTTP_").replace("_", "-").title() if "_" in name or name.islower() else name


def _of_request(notes: Notes, name: str) -> Traced:
    kept = notes.kept_by_request()
    if name in kept:  # what the code itself has put there
        return kept[name]
    if name in _BODY:
        return _body(notes, _BODY[name], ())
    if name in _RAW or name in _HEARD:
        return Traced(root="raw")
    if name in _ELSEWHERE:
        return Traced(at=Place(_ELSEWHERE[name], ()))
    if name in ("files", "FILES"):
        return Traced(root="files")
    if name == "authorization":
        return _authorization(notes)
    if name in ("state", "ctx"):
        return Traced(attrs=kept)
    return Traced(root="request") if name == "request" else Traced()


def _authorization(notes: Notes) -> Traced:
    """Return the name and the password that come with a request."""
    place = Place("header", ("Authorization",))
    notes.declare([(Field(place, type="string", dress=BASIC), place)])
    notes.usage(place)
    return Traced(attrs={"username": Traced(at=place), "password": Traced()})


def _file(notes: Notes, *path: str) -> Traced:
    """Return nothing that speaks, and note that a file travels there."""
    notes.encoding = "multipart"
    notes.usage(Place("body", path)).schema["format"] = "binary"
    return Traced()


def _body(notes: Notes, encoding: str, path: tuple[str, ...]) -> Traced:
    notes.encoding = notes.encoding or encoding
    return Traced(at=Place("body", path))


def _note_default(notes: Notes, place: Place, default: ast.expr | None, node: ast.Call) -> None:
    usage = notes.usage(place)
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
        usage.optional = True
    if default is not None:
        usage.generated |= makes_key(default)
        usage.own |= makes_object(default) and not usage.generated
        usage.default = constant(default)
