"""Configuration files with dummies for their credentials, whatever their syntax: YAML, TOML, INI, JSON, properties.

They are not parsed: what stands around a credential stays as it is, comments and order too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.credentials.dummies import imitate, make_dummy, replace_spans
from statecheck.credentials.shapes import find_parts, hints_at_secret, is_exempt, is_random, match_shapes
from statecheck.probe.offline import DUMMY, is_secret

if TYPE_CHECKING:
    from collections.abc import Callable

_ASSIGNED = re.compile(
    r"""(?mx)
    (?<![\w.$-]) (?P<quote>["']?) (?P<name>[A-Za-z_][\w.-]*) (?P=quote) [ \t]* (?:=>|[:=]) [ \t]*
    (?: "(?P<double>(?:[^"\\\n]|\\.)*)" | '(?P<single>[^'\n]*)' | (?P<bare>[^\s"'\[{,#|>&][^\n,#}\]]*) )
    """
)
_NO_VALUE = re.compile(r"[\d.]+|.*\s.*|\w[\w.]*\(.*")
"""Bare: a number, a sentence, a call."""
_SENTENCE = re.compile(r"(?:\S+\s+){4,}\S+|\w[\w.]*\(.*")
_WEAK = frozenset({"KEY", "KEYS", "TOKEN", "TOKENS", "PAT", "SECRETS"})
_OPENER = frozenset({"API", "ACCESS", "AUTH", "BOT", "BEARER", "CLIENT", "SECRET", "PRIVATE", "REFRESH", "SIGNING"})
_FEWEST = 4


def mask_text(text: str, is_public: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    """Return a configuration file's text with dummies for its credentials, and these.

    Args:
        text: of the file.
        is_public: whether a value is said elsewhere too, where the app reads it all the same: it stays, so that both
            agree. What has a provider's form is never asked about.
    """
    found = [(match.start(), match.end(), imitate(match[0]) or DUMMY) for match in match_shapes(text)]
    found += [
        (start, end, imitate(text[start:end]) or DUMMY)
        for start, end in find_parts(text)
        if not is_public(text[start:end])
    ]
    for match in _ASSIGNED.finditer(text):
        group = match.lastgroup
        if group in ("double", "single", "bare"):
            value = match[group].rstrip()
            start = match.start(group)
            if _is_credential(match["name"], value, bare=group == "bare") and not is_public(value):
                found.append((start, start + len(value), make_dummy(match["name"], value)))
    masked = replace_spans(text, found)
    return masked, tuple(dict.fromkeys(text[start:end] for start, end, _ in found))


def _is_credential(name: str, value: str, *, bare: bool) -> bool:
    """Whether an assignment is one of a credential; of a name that says little, the value must look like one."""
    if len(value) < _FEWEST or is_exempt(value) or (bare and _SENTENCE.fullmatch(value)):
        return False
    last = name.rpartition(".")[2]
    if not is_secret(last):
        return hints_at_secret(last) and is_random(value)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).upper().replace("-", "_").split("_")
    telling = len(words) > 1 and not _OPENER.isdisjoint(words)
    weak = _WEAK.issuperset(word for word in words if is_secret(word))
    if not weak:
        return True
    return not (bare and _NO_VALUE.fullmatch(value)) and (telling or is_random(value) or _looks_made_up(value))


def _looks_made_up(value: str) -> bool:
    """Whether letters and digits are mixed as in no word."""
    return len(value) > _FEWEST and re.search(r"[A-Za-z]\d+[A-Za-z]|\d[A-Za-z]+\d", value) is not None
