"""Finding in an answer what the app gives: the session, in its body, a header, or where it leads; a page's token."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.fields import plain
from statecheck.source.roles import leaning, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.talk.plan import Json

_PLACEHOLDER = re.compile(r"\\\{(?:session|user|message)\\\}")
_INPUT = re.compile(r"<(?:input|textarea)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<(?:input|meta)\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*[\"']([^\"']*)[\"']")


def find_session(text: str, headers: Mapping[str, str], name: str, path: str = "") -> str | int | None:
    """Return the session key that an answer gives, or None.

    Args:
        text: the answer's body: JSON, a stream of it, or a page.
        headers: by lower-case names.
        name: what the session is called: the field in which it is sent, or a path in the answer (`data.thread.id`).
        path: that of the requests to come, with `{session}` where the key stands in it.
    """
    if "{session}" in path and (location := headers.get("location")):
        led = _of_path(location, path)
        if led is not None:
            return led
    by_header = {plain(header): value for header, value in headers.items()}
    if plain(name) in by_header:
        return by_header[plain(name)]
    found = _in_documents(text, name)
    if found is None:
        found = next((value for header, value in headers.items() if leaning(header) <= weights.HEADER_NAME), None)
    return found if found is not None or "<" not in text else _in_page(text, name)


def _of_path(location: str, path: str) -> str | None:
    """Return what stands in a URL where a path has its `{session}`; the path may go on behind it."""
    upto = path[: path.index("{session}") + len("{session}")]
    pattern = re.escape(upto).replace(re.escape("{session}"), "([^/?#]+)")
    found = re.search(_PLACEHOLDER.sub("[^/?#]+", pattern), location)
    return found[1] if found else None


def _in_documents(text: str, name: str) -> str | int | None:
    for document in _documents(text):
        leaves = [(where, value) for where, value in _leaves(document, ()) if _is_key(value)]
        best = max(leaves, key=lambda leaf: _fit(leaf[0], name), default=None)
        if best is not None and _fit(best[0], name) > 0:
            return best[1]
    return None


def _documents(text: str) -> Iterator[Json]:
    """Return the JSON in a body: all of it, or each line of a stream (`data: {…}`)."""
    try:
        yield json.loads(text)
    except ValueError:
        for line in text.splitlines():
            try:
                yield json.loads(line.removeprefix("data:").strip())
            except ValueError:
                continue


def _leaves(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | int]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield path, value


def _is_key(value: str | int) -> bool:
    return isinstance(value, int) or bool(re.fullmatch(r"\S{1,512}", value))


def _fit(path: tuple[str, ...], name: str) -> float:
    """How well a place in an answer fits what the session is called: 0 is not at all."""
    wanted = [plain(step) for step in name.split(".")]
    steps = [plain(step) for step in path]
    if not steps:  # the whole answer is a bare value
        return weights.WHOLE_ANSWER
    near = 1 / len(steps)
    if steps[-len(wanted) :] == wanted:
        return weights.SAME_NAME + near
    asked, told = set(words(name.replace(".", "_"))), set(words("_".join(path)))
    last = steps[-1] in ("id", "uuid", "key", "token", "sid") or leaning(path[-1]) <= weights.ANSWER_NAME
    if not last:
        return 0
    shared, named = len((asked & told) - {"id"}), min(leaning("_".join(path[-2:])), 0)
    return weights.SHARED_WORD * shared + near - weights.SESSION_NAME * named


def find_token(page: str) -> str:
    """Return the token against forged requests that a page's form or head has, or ""."""
    for tag in _TAG.findall(page):
        attributes: dict[str, str] = dict(_ATTRIBUTE.findall(tag))
        value = attributes.get("value") or attributes.get("content")
        if value and re.search("csrf|xsrf", attributes.get("name", ""), re.IGNORECASE):
            return value
    return ""


def _in_page(text: str, name: str) -> str | None:
    """Return the value of a page's field of this name."""
    for tag in _INPUT.findall(text):
        attributes: dict[str, str] = dict(_ATTRIBUTE.findall(tag))
        if plain(attributes.get("name", "")) == plain(name.rpartition(".")[2]) and attributes.get("value"):
            return attributes["value"]
    return None
