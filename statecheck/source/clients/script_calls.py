"""The requests that a script sends: fetch, axios, jQuery and their like, EventSource, XMLHttpRequest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source.clients.calls import Call, Sent, fields_of, split_url
from statecheck.source.clients.script import Script
from statecheck.source.clients.script_nodes import arguments, callee, spell, strip
from statecheck.source.clients.value_origins import ScriptOrigins, with_origins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tree_sitter import Node

    from statecheck.source.fields import Encoding

MAY_SEND = re.compile(
    r"\bfetch|[fF]etch\s*[(<]|axios|\bky\b|EventSource|sendBeacon|XMLHttpRequest|\.(?:post|put|patch|get|ajax)\s*[(<]"
)
"""What a text has somewhere that sends a request."""
_FUNCTIONS = frozenset(("fetch", "fetchEventSource", "$fetch", "axios", "ky", "useFetch"))
_METHODS = frozenset(("post", "put", "patch", "get", "ajax"))
_CLIENT = re.compile(r"(?:axios|http|api|client|request|ky|\$)$", re.IGNORECASE)
_WINDOWS = frozenset(("window", "globalThis", "self"))
_CONFIGS = frozenset(("headers", "params", "data", "body", "json", "method", "url", "credentials", "searchParams"))
_BY_NAME = {"post": "POST", "put": "PUT", "patch": "PATCH", "sendBeacon": "POST"}


@dataclass(frozen=True, slots=True)
class _Request:
    """What one call says of a request."""

    method: str
    url: Node
    config: Mapping[str, Node]
    body: Node | None


def read_script(text: str, forms: Sequence[Call] = ()) -> Iterator[Call]:
    """Every request that a script sends; lines count from 1.

    Args:
        text: the script.
        forms: those of its page, of which the first is what `new FormData(…)` holds.
    """
    if not MAY_SEND.search(text):
        return
    script = Script(text)
    for node in script.calls:
        request = _request(script, node)
        call = _call(script, request, forms) if request is not None else None
        if call is not None:
            placed = Call(call.method, call.path, call.fields, call.encoding, line=node.start_point.row + 1)
            yield with_origins(placed, ScriptOrigins(script, node).of)


def _request(script: Script, node: Node) -> _Request | None:
    owner, name = callee(node)
    given = arguments(node)
    if not given:
        return None
    if name == "open" and len(given) > 1:
        return _xhr_request(script, node, given)
    if node.type == "new_expression":
        return _Request("GET", given[0], {}, None) if name == "EventSource" else None
    known = name in _FUNCTIONS and (not owner or owner in _WINDOWS)
    if not known and name != "sendBeacon" and not (name in _METHODS and _CLIENT.search(owner)):
        return None
    made = script.resolve(given[0])
    if callee(made)[1] == "Request" and arguments(made):
        given = [*arguments(made), *given[1:]]
    config, body = _config(script, name, given)
    spelled = config.get("method", config.get("type"))
    method = str(script.literal(script.resolve(spelled)) or "").upper() if spelled is not None else ""
    method = method if method in ("POST", "PUT", "PATCH", "GET") else _BY_NAME.get(name, "GET")
    body = body if body is not None else next((config[key] for key in ("body", "data", "json") if key in config), None)
    return _Request(method, config.get("url", given[0]), config, body)


def _config(script: Script, name: str, given: list[Node]) -> tuple[dict[str, Node], Node | None]:
    """Return the options of a call, and its body where that is an argument of its own (axios, jQuery)."""
    if name in ("axios", "ajax") and (options := script.members(given[0])):
        return options, None
    options = script.members(given[1]) if len(given) > 1 else {}
    bodied = name in _BY_NAME and len(given) > 1
    if bodied and (not options or not options.keys() <= _CONFIGS or len(given) > 2):
        return script.members(given[2]) if len(given) > 2 else {}, given[1]
    return options, None


def _xhr_request(script: Script, node: Node, given: list[Node]) -> _Request | None:
    """Return the request of an XMLHttpRequest: its body is what `send` gets afterwards."""
    method = str(script.literal(script.resolve(given[0])) or "").upper()
    opened = _owner(node)
    if opened is None or method not in ("POST", "PUT", "PATCH", "GET"):
        return None
    later = [one for one in script.calls if one.start_byte > node.start_byte]
    mine = [one for one in later if (owner := _owner(one)) is not None and script.is_same(owner, opened)]
    sent = next((arguments(one) for one in mine if callee(one)[1] == "send"), [])
    return _Request(method, given[1], {}, sent[0] if sent else None)


def _owner(call: Node) -> Node | None:
    """Return the object whose method is called."""
    function = call.child_by_field_name("function")
    return function.child_by_field_name("object") if function is not None else None


def _call(script: Script, request: _Request, forms: Sequence[Call]) -> Call | None:
    url = script.url(request.url)
    if "/" not in url:
        return None
    path, query = split_url(url)
    sent: dict[str, Sent] = {"query": query}
    encoding: Encoding = "none"
    if request.body is not None:
        encoding, sent["body"] = _body(script, request.body)
        if sent["body"] is None and forms:
            return Call(request.method, path, forms[0].fields, encoding)
    for key, where in (("params", "query"), ("searchParams", "query"), ("headers", "header")):
        inner = script.sent(request.config[key]) if key in request.config else None
        outer = sent.get(where)
        if isinstance(inner, dict):
            sent[where] = {**outer, **inner} if isinstance(outer, dict) else inner
    return Call(request.method, path, fields_of(sent), encoding)


def _body(script: Script, node: Node) -> tuple[Encoding, Sent]:
    """How a body is encoded and what is in it; None if it is a form of the page."""
    value = script.resolve(node)
    owner, name = callee(value)
    inner = arguments(value)
    if (owner, name) == ("JSON", "stringify"):
        return "json", script.sent(inner[0]) if inner else {}
    if value.type != "new_expression" or name not in ("FormData", "URLSearchParams"):
        return "json", script.sent(node)
    start = script.sent(inner[0]) if inner else {}
    fields: dict[str, Sent] = dict(start) if isinstance(start, dict) else {}
    for key, given in _form_entries(script, strip(node)):
        fields[key] = script.sent(given[0]) if given else None
    encoding: Encoding = "multipart" if name == "FormData" else "form"
    return encoding, fields if fields or not inner else None


def _form_entries(script: Script, form: Node) -> Iterator[tuple[str, list[Node]]]:
    """Yield what is added to a form under which name."""
    for call in script.calls:
        owner = _owner(call)
        if callee(call)[1] in ("append", "set") and owner is not None and script.is_same(owner, form):
            name, *rest = arguments(call) or [form]
            key = script.literal(script.resolve(name))
            if name != form:
                yield str(key) if key is not None else spell(name), rest
