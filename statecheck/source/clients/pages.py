"""Pages: the requests that their forms and their scripts send."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from statecheck.source.clients.calls import Call, Sent, fields_of, split_url
from statecheck.source.clients.script_calls import MAY_SEND, read_script
from statecheck.source.clients.script_nodes import CLOSES, OPENS
from statecheck.source.clients.value_origins import with_origins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.fields import Encoding

_INPUTS = ("input", "textarea", "select")
_UNSENT = ("submit", "button", "reset", "checkbox", "file")
_FORM_NAMES = re.compile(r"url_for\(\s*['\"](?:\w+\.)?(\w+)['\"]|url\s+['\"](?:\w+:)?([\w-]+)['\"]")
_IS_PAGE = re.compile(r"<(?:!doctype|html|head|body|script|form|template|button|input|div|p)\b|hx-post", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{\s*([^{};\n]*?)\s*\}\}|\{%[^\n]*?%\}")


def read_text(text: str) -> Iterator[Call]:
    """Every request that a text sends that may be a page or a script; lines count from 1."""
    yield from read_page(text) if _IS_PAGE.search(text) else read_script(text)


def read_page(text: str) -> Iterator[Call]:
    """Every request that a page sends, by its scripts and its forms; lines count from 1."""
    reader = _Reader()
    reader.feed(f"{text}</script>")  # which a piece of a page may lack
    reader.close()
    forms = list(_forms(reader))
    for line, script in reader.scripts:
        for call in read_script(_without_placeholders(script), forms):
            yield replace(call, line=call.line + line - 1)
    yield from (form for form in forms if form.path or form.route)


class _Reader(HTMLParser):
    """The forms of a page, with their fields, and its scripts, with their lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[tuple[dict[str, str], dict[str, Sent], int]] = []
        self.scripts: list[tuple[int, str]] = []
        self.filled: set[str] = set()  # names of hidden fields in which the server shows the client a value
        self._in_form = self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((self.getpos()[0], ""))
        self.scripts += [(self.getpos()[0], _as_script(value)) for value in given.values() if MAY_SEND.search(value)]
        if tag == "form" or (("hx-post" in given or "hx-get" in given) and not self._in_form):
            self.forms.append((given, {}, self.getpos()[0]))
            self._in_form = tag == "form"
            if tag != "form" and given.get("name"):
                self.forms[-1][1][given["name"]] = ("said", given["name"])
        elif self._in_form and tag in _INPUTS and given.get("name") and given.get("type") not in _UNSENT:
            self.forms[-1][1][given["name"]] = self._value(given)

    def _value(self, given: dict[str, str]) -> Sent:
        value = given.get("value", "")
        if given.get("type") != "hidden" or not value:
            return ("said", given["name"])
        if "{" not in value:
            return ("literal", value)
        self.filled.add(given["name"])
        return ("said", value.strip("{} "))

    def handle_data(self, data: str) -> None:
        if self._in_script:
            line, text = self.scripts[-1]
            self.scripts[-1] = (line if text else self.getpos()[0], text + data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False
        if tag == "form":
            self._in_form = False


def _as_script(attribute: str) -> str:
    """Return an attribute as a script: a handler is one, an object of methods (Alpine) is in brackets."""
    return f"({attribute})" if attribute.lstrip().startswith("{") else attribute


def _without_placeholders(script: str) -> str:
    """Return a script with what its server fills in as names, by which a path shows where they stand."""
    return _PLACEHOLDER.sub(_as_name, script)


def _as_name(placeholder: re.Match[str]) -> str:
    name = re.sub(r"\W+", "_", placeholder[1] or "").strip("_")
    return f"{OPENS}{name}{CLOSES}" if name else ""


def _forms(reader: _Reader) -> Iterator[Call]:
    for given, sent, line in reader.forms:
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
