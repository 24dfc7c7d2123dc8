"""What stands for a credential: a dummy that a client which looks at its form still takes."""

from __future__ import annotations

import base64
import binascii
import json
import re
from itertools import cycle
from typing import TYPE_CHECKING, Any

from statecheck.credentials.shapes import find_parts, hints_at_secret, is_exempt, is_random, match_shapes
from statecheck.probe.offline import DUMMY, dummy_for, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

_LETTERS = "scdummy"
_HEX = "5cd0"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_UUID = "00000000-0000-4000-8000-000000000000"
_NO_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzYy1kdW1teSJ9.c2MtZHVtbXk"  # {"alg":"none"}.{"sub":"sc-dummy"}  # noqa: S105 - the dummy
_LEAST_BASE64 = 20


def scrub_value(name: str, value: str) -> str:
    """Return a variable's value with dummies for its credentials: for the whole of it, or for a part.

    It is one by the variable's name, by its own form, or as it reads as random and the name hints at it.
    """
    if is_secret(name):
        return make_dummy(name, value)
    if hints_at_secret(name) and is_random(value) and not is_exempt(value):
        return imitate(value) or DUMMY
    return scrub_text(value)


def make_dummy(name: str, value: str) -> str:
    """Return what stands for the secret of a variable, of its form where that is known."""
    stripped = value.strip()
    if stripped.startswith("{"):
        try:
            document = json.loads(stripped)
        except (ValueError, RecursionError):
            return dummy_for(name)
        return json.dumps(_scrub_document(document))
    return imitate(stripped) or dummy_for(name)


def scrub_text(text: str) -> str:
    """Return a text with dummies for what has the form of a credential, and for passwords in URLs and queries."""
    found = [(match.start(), match.end(), imitate(match[0]) or DUMMY) for match in match_shapes(text)]
    found += [(start, end, imitate(text[start:end]) or DUMMY) for start, end in find_parts(text)]
    return replace_spans(text, found)


def replace_spans(text: str, found: list[tuple[int, int, str]]) -> str:
    """Return a text with other words at these places; of those that overlap the one that begins first, the longest."""
    parts, at = [], 0
    for start, end, words in sorted(found, key=lambda each: (each[0], -each[1])):
        if start >= at:
            parts += [text[at:start], words]
            at = end
    return "".join([*parts, text[at:]])


def imitate(value: str) -> str:
    """Return a dummy of the same form as a credential, or "" if its form is none that is known."""
    match = next((match for match in match_shapes(value) if match.span() == (0, len(value))), None)
    if match is not None:
        if value.startswith("eyJ"):
            return _NO_TOKEN
        end = match.groupdict().get("end") or ""
        kept = match["kept"]
        return kept + _fill(value[len(kept) : len(value) - len(end)]) + end
    if _UUID.fullmatch(value):
        return _NO_UUID
    if re.fullmatch("[0-9a-fA-F]{32,}", value):
        return _fill(value)
    return _imitate_base64(value)


def _imitate_base64(value: str) -> str:
    if len(value) < _LEAST_BASE64 or not re.search("[+/=]", value):
        return ""
    safe = re.search("[_-]", value) is not None
    try:
        size = len(base64.b64decode(value, b"-_" if safe else None, validate=True))
    except (binascii.Error, ValueError):
        return ""
    text = (DUMMY.encode() * (size // len(DUMMY) + 1))[:size]
    return (base64.urlsafe_b64encode if safe else base64.b64encode)(text).decode()


def _fill(text: str) -> str:
    """A text with other letters and digits, of the same kinds in the same places."""
    if re.fullmatch("(?=.*[a-f])[0-9a-f]{16,}|(?=.*[A-F])[0-9A-F]{16,}", text):
        digits = cycle(_HEX if text.lower() == text else _HEX.upper())
        return "".join(next(digits) for _ in text)
    letters = cycle(_LETTERS)
    parts = re.split(r"(\\n)", text)  # a key with its lines in one
    return "".join(part if part == "\\n" else "".join(_stand_in(each, letters) for each in part) for part in parts)


def _stand_in(character: str, letters: Iterator[str]) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return next(letters).upper() if character.isupper() else next(letters)
    return character


def _scrub_document(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _scrub_document(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrub_document(item, name) for item in value]
    return scrub_value(name, value) if isinstance(value, str) else value
