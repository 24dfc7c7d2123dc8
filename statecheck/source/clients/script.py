"""Reading JavaScript expressions just far enough to see what an object literal holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.clients.calls import Sent

_CLOSES = {"(": ")", "[": "]", "{": "}"}
_LONGEST = 20_000
_DEEPEST = 6


def arguments(text: str, start: int) -> list[str]:
    """Return the arguments of a call, from just behind its opening bracket; [] if it never closes."""
    parts = list(_split(text, start, ")"))
    return [part for part in parts if part]


def _split(text: str, start: int, close: str) -> Iterator[str]:
    """Return the pieces between commas of one bracket, trimmed."""
    at, since, stack, end = start, start, [close], min(len(text), start + _LONGEST)
    pieces: list[str] = []
    while at < end:
        letter = text[at]
        if letter in "'\"`":
            at = _string(text, at)
        elif text.startswith("//", at) and text[at - 1 : at] != ":":
            at = text.find("\n", at) if "\n" in text[at:end] else end
        elif text.startswith("/*", at):
            at = text.find("*/", at) + 1 or end
        elif letter in _CLOSES:
            stack.append(_CLOSES[letter])
        elif letter == stack[-1]:
            stack.pop()
            if not stack:
                yield from (*pieces, _bare(text[since:at]))
                return
        elif letter == "," and len(stack) == 1:
            pieces.append(_bare(text[since:at]))
            since = at + 1
        at += 1


def _bare(piece: str) -> str:
    return re.sub(r"(?m)(^|\s)//[^\n]*$|/\*.*?\*/", "", piece, flags=re.DOTALL if "/*" in piece else 0).strip()


def _string(text: str, at: int) -> int:
    """Where the string that opens here ends."""
    quote, here = text[at], at + 1
    while here < len(text):
        if text[here] == "\\":
            here += 1
        elif text[here] == quote:
            return here
        elif text[here] == "\n" and quote != "`":
            return at  # no string at all: an apostrophe in text
        here += 1
    return at


def brackets(text: str, end: int) -> Iterator[tuple[int, str]]:
    """Every brace before a place that stands outside strings, with where it is."""
    at = 0
    while at < end:
        if text[at] in "'\"`":
            at = _string(text, at)
        elif text[at] in "{}":
            yield at, text[at]
        at += 1


def resolve(text: str, spelled: str, at: int) -> str:
    """Return an expression, with a name replaced by what it was last set to above."""
    return declared(text, spelled, at)[0]


def declared(text: str, spelled: str, at: int) -> tuple[str, int | None]:
    """Return the same, and where that was set; None if it stands here."""
    spelled, since = spelled.strip(), None
    for _ in range(3):
        if not re.fullmatch(r"[\w$]+", spelled) or spelled.isdigit():
            break
        above = [*re.finditer(rf"(?:^|[\s;,(]){re.escape(spelled)}\s*(?::[^=;]+)?=(?![=>])\s*", text[:at])]
        if not above:
            break
        since = above[-1].end()
        spelled = _expression(text, since)
    return spelled, since


def _expression(text: str, start: int) -> str:
    """Return the expression that begins here: up to a `;`, or a line's end outside brackets."""
    at, depth = start, 0
    while at < min(len(text), start + _LONGEST):
        letter = text[at]
        if letter in "'\"`":
            at = _string(text, at)
        elif letter in _CLOSES:
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth < 0:
                break
        elif letter == ";" or (letter in "\n," and depth == 0):
            break
        at += 1
    return text[start:at].strip()


def members(text: str, spelled: str, at: int) -> dict[str, str]:
    """Return the keys of an object literal, each with the spelling of its value; {} for anything else."""
    value = resolve(text, spelled, at)
    if not value.startswith("{"):
        return {}
    found: dict[str, str] = {}
    for piece in _split(value, 1, "}"):
        key = re.match(r"(?:async\s+)?([\w$]+|'[^']*'|\"[^\"]*\")\s*(:|$)", piece)
        if key and key[2] == ":":
            found[key[1].strip("'\"")] = piece[key.end() :].strip()
        elif key:
            found[key[1]] = key[1]
        elif piece.startswith("..."):
            spread = re.search(r"\{.*\}", piece, re.DOTALL)
            found.update(members(text, spread[0] if spread else piece[3:], at))
    return found


def sent(text: str, spelled: str, at: int, deep: int = 0) -> Sent:
    """Tell what an expression sends: an object with what is in it, a list, a literal, or its spelling."""
    value = resolve(text, spelled, at)
    if value.startswith("{") and deep < _DEEPEST:
        pairs = {**members(text, value, at), **_set_later(text, spelled.strip(), at)}
        return {key: sent(text, inner, at, deep + 1) for key, inner in pairs.items()}
    if value.startswith("[") and value.endswith("]") and deep < _DEEPEST:
        pieces = [piece for piece in _split(value, 1, "]") if piece]
        return [sent(text, piece.removeprefix("..."), at, deep + 1) for piece in pieces]
    literal = _literal(spelled)
    return ("literal", literal) if literal is not None else ("said", spelled.strip())


def _set_later(text: str, name: str, at: int) -> dict[str, str]:
    """Return what is assigned to an object's keys above: `body.session = sid`."""
    if not re.fullmatch(r"[\w$]+", name):
        return {}
    spelled = rf"(?<![\w$.]){re.escape(name)}(?:\.([\w$]+)|\[['\"]([^'\"]+)['\"]\])\s*=(?![=>])\s*"
    return {found[1] or found[2]: _expression(text, found.end()) for found in re.finditer(spelled, text[:at])}


def _literal(spelled: str) -> str | int | float | bool | None:
    bare = spelled.strip().removesuffix("as const").strip()
    if re.fullmatch(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`$]*`", bare):
        return bare[1:-1]
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", bare):
        value = json.loads(bare)
        return value if isinstance(value, (int, float, bool)) else None
    return None


def url(text: str, spelled: str, at: int, deep: int = 0) -> str:
    """Return a URL as far as it is spelled out; what is filled in stands in braces."""
    value = spelled.strip()
    literal = _literal(value)
    if isinstance(literal, str):
        return literal
    if value.startswith("`") and value.endswith("`"):
        return re.sub(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}", lambda found: _inner(text, found[1], at, deep), value[1:-1])
    made = re.match(r"(?:new\s+)?URL\s*\(|new\s+Request\s*\(", value)
    if made:
        inside = arguments(value, made.end())
        return url(text, inside[0], at, deep) if inside else ""
    pieces = re.split(r"\s*\+\s*(?=(?:[^'\"`]*['\"`][^'\"`]*['\"`])*[^'\"`]*$)", value)
    if len(pieces) > 1:
        return "".join(url(text, piece, at, deep) for piece in pieces)
    return _inner(text, value, at, deep)


def _inner(text: str, spelled: str, at: int, deep: int) -> str:
    meant = resolve(text, spelled, at)
    if meant != spelled.strip() and deep < 3 and meant[:1] in "'\"`":
        return url(text, meant, at, deep + 1)
    called = re.fullmatch(r"encodeURIComponent\((.*)\)", spelled.strip(), re.DOTALL)
    return "{" + re.sub(r"[{}]", "", called[1] if called else spelled.strip()) + "}"
