"""Client code in JavaScript, TypeScript and HTML: fetch, axios, FormData, forms. A tolerant reader, not a parser."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from statecheck.source.clients import script
from statecheck.source.clients.calls import Call, Sent, fields_of, split_url
from statecheck.source.clients.value_origins import in_script, with_origins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.fields import Encoding

_SENDS = re.compile(
    r"(?<![\w$.])(fetch|fetchEventSource|\$fetch|axios|ky|useFetch|[\w$.]*?(?:axios|http|api|client|request|ky|\$)\.(?:post|put|patch|get|ajax)"
    r"|new EventSource|[\w$.]*\.sendBeacon)\s*(?:<[^<>()]*>)?\("
)
_CONFIGS = ("headers", "params", "data", "body", "json", "method", "url", "credentials", "searchParams")
_INPUTS = ("input", "textarea", "select")
_UNSENT = ("submit", "button", "reset", "checkbox", "file")
_FORM_NAMES = re.compile(r"url_for\(\s*['\"](?:\w+\.)?(\w+)['\"]|url\s+['\"](?:\w+:)?([\w-]+)['\"]")


def read_page(text: str) -> Iterator[Call]:
    """Every request that a page or a script sends; lines count from 1 within the text."""
    forms = list(_forms(text)) if "<form" in text or "hx-post" in text else []
    for found in _SENDS.finditer(text):
        call = _script_call(text, found, forms)
        if call is not None:
            line = text.count("\n", 0, found.start()) + 1
            yield with_origins(replace(call, line=line), in_script(text, found.start()))
    yield from (form for form in forms if form.path or form.route)


def _script_call(text: str, found: re.Match[str], forms: list[Call]) -> Call | None:
    name, at = found[1].rsplit(".", 1)[-1], found.start()
    given = script.arguments(text, found.end())
    if not given:
        return None
    method = {"post": "POST", "put": "PUT", "patch": "PATCH", "sendBeacon": "POST"}.get(name, "GET")
    config, body = _config(text, name, given, at)
    url = script.url(text, config.get("url", given[0]), at)
    if "/" not in url:
        return None
    spelled = config.get("method", config.get("type", "")).strip("'\"`").upper()
    method = spelled if spelled in ("POST", "PUT", "PATCH", "GET") else method
    path, query = split_url(url)
    sent: dict[str, Sent] = {"query": query}
    body = body or config.get("body") or config.get("data") or config.get("json")
    encoding: Encoding = "none"
    if body is not None:
        encoding, sent["body"] = _body(text, body, at)
        if sent["body"] is None and forms:
            return Call(method, path, forms[0].fields, encoding)
    for key, where in (("params", "query"), ("searchParams", "query"), ("headers", "header")):
        if key in config:
            inner = script.sent(text, config[key], at)
            outer = sent.get(where)
            if isinstance(inner, dict):
                sent[where] = {**outer, **inner} if isinstance(outer, dict) else inner
    return Call(method, path, fields_of(sent), encoding)


def _config(text: str, name: str, given: list[str], at: int) -> tuple[dict[str, str], str | None]:
    """Return the options of a call, and its body where that is an argument of its own (axios, jQuery)."""
    if name in ("axios", "ajax") and (options := script.members(text, given[0], at)):
        return options, None
    options = script.members(text, given[1], at) if len(given) > 1 else {}
    bodied = name in ("post", "put", "patch", "sendBeacon") and len(given) > 1
    if bodied and (not options or not set(options) <= set(_CONFIGS) or len(given) > 2):
        return script.members(text, given[2], at) if len(given) > 2 else {}, given[1]
    return options, None


def _body(text: str, spelled: str, at: int) -> tuple[Encoding, Sent]:
    """How a body is encoded and what is in it; None if it is a form of the page."""
    value = script.resolve(text, spelled, at)
    dumped = re.match(r"JSON\.stringify\s*\(", value)
    if dumped:
        inner = script.arguments(value, dumped.end())
        return "json", script.sent(text, inner[0], at) if inner else {}
    made = re.match(r"new\s+(FormData|URLSearchParams)\s*\(", value)
    if made:
        encoding: Encoding = "multipart" if made[1] == "FormData" else "form"
        inner = script.arguments(value, made.end())
        start = script.sent(text, inner[0], at) if inner else {}
        added = re.finditer(rf"\b{re.escape(spelled.strip())}\.(?:append|set)\s*\(", text) if spelled != value else ()
        fields: dict[str, Sent] = dict(start) if isinstance(start, dict) else {}
        for one in added:
            name, *rest = script.arguments(text, one.end())
            fields[name.strip("'\"`")] = script.sent(text, rest[0], at) if rest else None
        return encoding, fields if fields or not inner else None
    return "json", script.sent(text, value, at)


class _Forms(HTMLParser):
    """The forms of a page, with their fields."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[dict[str, str], dict[str, Sent], int]] = []
        self.filled: set[str] = set()  # names of hidden fields in which the server shows the client a value
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" or (("hx-post" in given or "hx-get" in given) and not self._open):
            self.found.append((given, {}, self.getpos()[0]))
            self._open = tag == "form"
            if tag != "form" and given.get("name"):
                self.found[-1][1][given["name"]] = ("said", given["name"])
        elif self._open and tag in _INPUTS and given.get("name") and given.get("type") not in _UNSENT:
            self.found[-1][1][given["name"]] = self._value(given)

    def _value(self, given: dict[str, str]) -> Sent:
        value = given.get("value", "")
        if given.get("type") != "hidden" or not value:
            return ("said", given["name"])
        if "{" not in value:
            return ("literal", value)
        self.filled.add(given["name"])
        return ("said", value.strip("{} "))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def _forms(text: str) -> Iterator[Call]:
    reader = _Forms()
    reader.feed(text)
    for given, sent, line in reader.found:
        posted = given.get("hx-post") or given.get("hx-get")
        action = posted or given.get("action", "")
        named = _FORM_NAMES.search(action)
        method = "POST" if "hx-post" in given or given.get("method", "get").lower() == "post" else "GET"
        path, query = split_url("" if named else re.sub(r"\{\{?\s*([^{}]*?)\s*\}?\}", r"{\1}", action))
        encoding: Encoding = "multipart" if "multipart" in given.get("enctype", "") else "form"
        where = "body" if method == "POST" else "query"
        inside: dict[str, Sent] = {"query": query}
        inside[where] = sent
        route = (named[1] or named[2]) if named else ""
        encoding = encoding if method == "POST" else "none"
        call = Call(method, path, fields_of(inside), encoding, line=line, route=route)
        yield with_origins(call, lambda _, name: "shown" if name in reader.filled else "")
