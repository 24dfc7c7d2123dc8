"""Requests in shell scripts and in documents: curl and HTTPie."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from typing import TYPE_CHECKING

from statecheck.source.clients.calls import Call, Sent, fields_of, is_operation, split_url
from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.fields import Encoding, Json, Origin

_COMMAND = re.compile(r"(?m)(?:^|[\s`(])(?P<tool>curl|https?)(?=\s+[-\w:'\"$/])")
_LONGEST = 5000
_ENDS = "\n|;&`)"
_METHODS = ("POST", "PUT", "PATCH", "GET")
_BODIES = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json")
_TAKES = as_set(
    "-X --request -H --header -F --form -b --cookie -u --user -o --output -m --max-time -A --user-agent -w --write-out "
    "--url"
)
_NAMED = re.compile(r"\$\{(\w+)[^}]*\}|\$(\w+)|<([\w -]+)>|\{\{?\s*([\w.]+)\s*\}?\}|(YOUR_\w+)")
_BARE_HOST = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:\d))(?::\d+)?(?:/|$)")
"""A host without a scheme, as curl takes it: `localhost:8000/chat`."""
_MAKES = re.compile(r"\$\(\s*(?:uuidgen|date|openssl rand|cat /proc/sys/kernel/random)|\$RANDOM|\$\$")


def read_shell(text: str) -> Iterator[Call]:
    """Every request that a script or a document shows; lines count from 1."""
    for found in _COMMAND.finditer(text):
        words = list(_words(text, found.end("tool")))
        call = _curl(words) if found["tool"] == "curl" else _httpie(words)
        if call is not None:
            line = text.count("\n", 0, found.start("tool")) + 1
            yield Call(call.method, call.path, call.fields, call.encoding, line=line)


def origin_in_shell(text: str, name: str) -> Origin:
    """Tell how a script that is run for one message, or loops over them, comes by a variable."""
    made = re.search(rf"(?m)^\s*(?:local |export )?{re.escape(name)}=\"?({_MAKES.pattern})", text)
    if made is None:
        return ""
    return "kept" if re.search(r"\b(?:while|for)\b", text[: made.start()] + text[made.end() :]) else "made"


def takes_message(text: str) -> bool:
    """Whether a script sends what its user says, and not an example."""
    return re.search(r"\$[1@*]|\$\{[1@*]|(?m:^\s*(?:while\s+)?read\b)", text) is not None


def _words(text: str, at: int) -> Iterator[str]:
    """Yield the words of one command as a shell reads them, up to where it ends or a quote is not closed."""
    spelled = text[at : at + _LONGEST].replace("\\\r\n", " ").replace("\\\n", " ").replace("\\$", "$")
    lexer = shlex.shlex(spelled, posix=True, punctuation_chars=_ENDS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    with contextlib.suppress(ValueError):
        for word in lexer:
            if not word or word.strip(_ENDS):
                yield word
            elif word != "&":  # which may stand in a URL that should have been quoted
                return


def _curl(words: list[str]) -> Call | None:
    given: list[tuple[str, str]] = []
    urls = []
    left = iter(words)
    for word in left:
        option, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if option in _TAKES or option in _BODIES:
            given.append((option, value or next(left, "")))
        elif re.match(r"-[XHdFbu].", word):
            given.append((word[:2], word[2:]))
        elif not word.startswith("-"):
            urls.append(word)
        elif word == "-G":
            given.append(("-X", "GET"))
    urls += [value for option, value in given if option == "--url"]
    if not urls:
        return None
    bodies = [value for option, value in given if option in _BODIES]
    forms = [value for option, value in given if option in ("-F", "--form")]
    method = next(
        (value for option, value in given if option in ("-X", "--request")), "POST" if bodies or forms else "GET"
    )
    headers = [value.partition(":") for option, value in given if option in ("-H", "--header")]
    cookies = [value.partition("=") for option, value in given if option in ("-b", "--cookie") and "=" in value]
    encoding, body = _body(bodies, forms)
    return _call(method, urls[0], encoding, body, headers, cookies)


def _httpie(words: list[str]) -> Call | None:
    words = [word for word in words if not word.startswith("-")]
    method = words[0].upper() if words and words[0].upper() in _METHODS else ""
    rest = words[1:] if method else words
    if not rest or "/" not in rest[0]:
        return None
    fields: dict[str, Sent] = {}
    headers = []
    for word in rest[1:]:
        name, sign, value = next((word.partition(s) for s in (":=", "==", "=", ":") if s in word), (word, "", ""))
        if sign == ":":
            headers.append((name, sign, value))
        elif sign:
            fields[name] = _to_sent(_parse_json(value) if sign == ":=" else value)
    url = re.sub(r"^:(?=/|\d)", "http://localhost:", rest[0])
    return _call(
        method or ("POST" if fields else "GET"), url, "json" if fields else "none", fields or None, headers, []
    )


def _call(
    method: str,
    url: str,
    encoding: Encoding,
    body: Sent,
    headers: list[tuple[str, str, str]],
    cookies: list[tuple[str, str, str]],
) -> Call | None:
    if _BARE_HOST.match(url):
        url = f"http://{url}"
    path, query = split_url(_NAMED.sub(lambda found: f"{{{_name(found)}}}", url))
    if method.upper() not in _METHODS or not path.startswith("/"):
        return None
    sent: dict[str, Sent] = {"query": query}
    sent["header"] = {name.strip(): _to_sent(value.strip()) for name, _, value in headers if name.strip()}
    sent["cookie"] = {name.strip(): _to_sent(value.strip()) for name, _, value in cookies}
    if body is not None:
        sent["body"] = body
    return Call(method.upper(), path, fields_of(sent), encoding)


def _body(bodies: list[str], forms: list[str]) -> tuple[Encoding, Sent]:
    if forms:
        return "multipart", {name: _to_sent(value) for name, _, value in (form.partition("=") for form in forms)}
    if not bodies:
        return "none", None
    parsed = _parse_json(bodies[0])
    if isinstance(parsed, (dict, list)):
        return "json", _to_sent(parsed)
    pairs = (pair.partition("=") for body in bodies for pair in body.split("&"))
    return "form", {name: _to_sent(value) for name, sign, value in pairs if sign}


def _parse_json(text: str) -> Json:
    """A JSON value, in which a bare variable may stand: `{"id": $ID}`."""
    for spelled in (text, re.sub(r"(?<=[:\[,\s])\$\{?(\w+)\}?", r'"$\1"', text)):
        try:
            value: Json = json.loads(spelled)
        except ValueError:
            continue
        return value
    return text


def _to_sent(value: Json) -> Sent:
    if isinstance(value, dict):
        return {name: _to_sent(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_to_sent(inner) for inner in value]
    named = _NAMED.search(value) if isinstance(value, str) and not is_operation(value) else None
    return ("said", _name(named)) if named is not None else ("literal", value)


def _name(found: re.Match[str]) -> str:
    return next((group for group in found.groups() if group), "").replace(" ", "_")
