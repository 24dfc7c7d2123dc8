"""The JSON that a prompt shows as the form of its answer: an example of it, or a template with alternatives."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

_ASKED = re.compile(
    r"\b(return|respond|reply|answer|output|provide|produce|generate|format)\w*\b[^.]{0,120}?\bjson\b"
    r"|\bjson\b[^.]{0,60}?\b(format|object|response|answer|output)\b",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```(?:json)?\s*\n?\s*(\{.*?\})\s*```", re.DOTALL | re.IGNORECASE)
_BARE = re.compile(r"\{[^{}]*\"\w+\"\s*:[^{}]*\}")
_LOOSE = (
    (re.compile(r"//[^\n]*"), ""),
    (re.compile(r"(\"[^\"\n]*\"|[\w.]+)(\s*(?:\||\bor\b)\s*(?:\"[^\"\n]*\"|[\w.]+))+"), r"\1"),
    (re.compile(r"(:\s*)(?:str|string|text)\b"), r'\1"text"'),
    (re.compile(r"(:\s*)(?:int|integer|float|number)\b"), r"\g<1>1"),
    (re.compile(r"(:\s*)bool(?:ean)?\b"), r"\1true"),
    (re.compile(r"(:\s*)(?:<[^>\n]*>|\.\.\.)"), r'\1"text"'),
    (re.compile(r",(\s*[}\]])"), r"\1"),
)
"""What templates have that JSON has not: comments, alternatives, names of types, blanks, commas at the end."""
_TELLS = re.compile(
    r"(.*_)?(answer|response|reply|message|text|content|requirement|reason|reasoning|explanation|summary|query|"
    r"question|description|thought|details|output)"
)


def answer_as_shown(asked: str, text: str) -> str:
    """Write an answer in the form that a prompt shows, as it shows it (fenced or bare); "" if it shows none.

    The last example is followed: its values are kept, but for the one that tells most, which becomes `text`.
    """
    if _ASKED.search(asked) is None:
        return ""
    for pattern, form in ((_FENCED, "```json\n{}\n```"), (_BARE, "{}")):
        for block in reversed(pattern.findall(asked)):
            value = _read(block)
            if value:
                place = _find_place(value)
                filled = {**value, place: text} if place else value
                return form.replace("{}", json.dumps(filled))
    return ""


def _read(block: str) -> dict[str, Any]:
    """Read an example, or a template as if its first alternatives were chosen; empty if it is neither."""
    loose = block
    for pattern, instead in _LOOSE:
        loose = pattern.sub(instead, loose)
    for candidate in (block, loose):
        with suppress(ValueError):
            value = json.loads(candidate)
            if isinstance(value, dict):
                return value
    return {}


def _find_place(value: dict[str, Any]) -> str:
    """Find the field that takes the text: one whose name tells, else one that has a sentence in it; or ""."""
    texts = [name for name, each in value.items() if isinstance(each, str)]
    told = [name for name in texts if _TELLS.fullmatch(name.lower())] or [n for n in texts if " " in value[n].strip()]
    return max(told, key=lambda name: len(value[name]), default="")
