"""Secrets are in no report and in no kept run: those that were handed over, the user's own, and what looks like one.

What is replaced is what the app or the user said. The record's own words (kinds of ops, names of classes, paths and
lines of code, where a client puts the message) stay as they are, whatever a password happens to be.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from statecheck.credentials.dummies import imitate
from statecheck.credentials.shapes import find_parts, hints_at_secret, is_random, match_shapes
from statecheck.history import History, Op
from statecheck.kept.records import map_texts
from statecheck.kept.runs import KeptRun
from statecheck.probe.offline import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from statecheck.kept.meta import RunMeta
    from statecheck.model import Problem
    from statecheck.talk.plan import Plan

_STANDS_FOR = "[a secret that was handed over]"
_LEAST = 6  # characters: what is shorter is part of too many words
_LEAST_STRONG, _LEAST_LONG = 8, 24
_CARRIERS = ("authorization", "proxy-authorization", "cookie")
_SAID = ("text", "around", "error", "note", "key", "where", "name")
"""The fields of an op that hold what the app or the user said; all others are the record's own."""
_GIVEN = ("query", "headers", "cookies", "body", "args", "keywords")
"""Likewise of a plan; names in these are the record's own."""
_SHORT = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f"}  # as JSON spells them

Pairs = tuple[tuple[str, str], ...]


class Redaction:
    """Replaces secrets in what was recorded.

    A value that reads as a word (`target`) is replaced only where it stands for a value: alone, quoted, after `=` or
    `:`. Any other is replaced wherever it stands, also as base64, URL-quoted and as JSON spells it. What has the form
    of a provider's key is replaced wherever it comes from, by a number that is the same wherever it is said again.

    Args:
        env: variables that were handed over; those count whose name or value says so.
        headers: that every turn was sent with.
        others: of the user's, for which the target was given dummies.
    """

    def __init__(self, env: Pairs, headers: Pairs, others: Iterable[str] = ()) -> None:
        found = {value for value in (*_of_variables(env), *_of_headers(headers)) if len(value) >= _LEAST}
        found |= {value for value in others if _is_strong(value)}
        strong = sorted(filter(_is_strong, found), key=lambda value: (-len(value), value))
        weak = sorted(found.difference(strong), key=lambda value: (-len(value), value))
        self._anywhere = _compile(spelling for value in strong for spelling in _spell(value))
        self._alone = _compile(map(_as_value, weak))
        self._words = frozenset(weak)
        self._numbers: dict[str, int] = {}

    def text(self, text: str) -> str:
        """The text without them."""
        if text in self._words:
            return _STANDS_FOR
        if self._anywhere:
            text = self._anywhere.sub(_STANDS_FOR, text)
        if self._alone and any(word in text for word in self._words):
            text = self._alone.sub(_STANDS_FOR, text)
        for match in list(match_shapes(text, said=True)):
            if imitate(match[0]) == match[0]:  # a dummy
                continue
            number = self._numbers.setdefault(match[0], len(self._numbers) + 1)
            text = text.replace(match[0], f"[what looks like a secret, {number}]")
        return text

    def run(self, run: KeptRun) -> KeptRun:
        """A run without them, in its record, its histories and what the target printed."""
        histories = {name: self.history(history) for name, history in run.histories.items()}
        outputs = {generation: self.text(text) for generation, text in run.outputs.items()}
        return KeptRun(self.meta(run.meta), histories, outputs)

    def history(self, history: History) -> History:
        """A history without them."""
        said = "\n".join(getattr(op, name) or "" for op in history.ops for name in _SAID)
        if self.text(said) == said and not any(
            word in said for word in self._words
        ):  # most hold none: one look for all
            return history
        return History(history.experiment, tuple(map(self._op, history.ops)))

    def meta(self, meta: RunMeta) -> RunMeta:
        """A run's record without them."""
        return replace(
            meta,
            plan=self.plan(meta.plan) if meta.plan is not None else None,
            talk=self.text(meta.talk),
            notes=tuple(map(self.text, meta.notes)),
            skipped={name: self.text(why) for name, why in meta.skipped.items()},
            problems={name: self.problem(problem) for name, problem in meta.problems.items()},
        )

    def plan(self, plan: Plan) -> Plan:
        """A plan without them."""
        return replace(
            plan,
            opening=self.plan(plan.opening) if plan.opening is not None else None,
            before=tuple(replace(each, request=self.plan(each.request)) for each in plan.before),
            accounts=(),
            why=tuple(map(self.text, plan.why)),
            **{name: self._given(getattr(plan, name)) for name in _GIVEN},
        )

    def problem(self, problem: Problem) -> Problem:
        """A problem without them."""
        return replace(
            problem, text=self.text(problem.text), hint=self.text(problem.hint), detail=self.text(problem.detail)
        )

    def _given(self, value: Any) -> Any:
        """Values of a request; of a pair the second is one."""
        if isinstance(value, tuple) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
            return tuple((name, map_texts(each, self.text)) for name, each in value)
        return map_texts(value, self.text)

    def _op(self, op: Op) -> Op:
        changed: dict[str, Any] = {}
        for name in _SAID:
            said = getattr(op, name)
            if said and (safe := self.text(said)) != said:
                changed[name] = safe
        return replace(op, **changed) if changed else op


def find_ambient_secrets(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the user's own credentials in their variables, for which the target is given dummies."""
    for name, value in variables.items():
        yield from _of_variables(((name, value),))


def _is_strong(value: str) -> bool:
    """Whether a value is no word that may well be said for another reason."""
    kinds = sum(re.search(kind, value) is not None for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    return len(value) >= _LEAST_LONG or (len(value) >= _LEAST_STRONG and kinds > 1)


def _spell(value: str) -> Iterator[str]:
    """Yield patterns of a value as it is, JSON-escaped once or more, URL-quoted, and of what base64 makes of it."""
    yield "".join(map(_spell_character, value))
    data = value.encode("utf-8", "surrogateescape")
    for before in range(3):  # what stands before it shifts the digits; the last one may hold a part of what follows
        coded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        inner = coded[(0, 2, 3)[before] : len(coded) - (1 if (before + len(data)) % 3 else 0)]
        if len(inner) >= _LEAST_STRONG:
            yield "".join({"+": "[+-]", "/": "[/_]"}.get(each, each) for each in inner) + "[A-Za-z0-9+/_-]?={0,2}"


def _spell_character(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    quoted = quote(character, safe="", errors="surrogateescape")
    spelled = [rf"\\*{re.escape(character)}", f"(?i:{re.escape(quoted)})"]
    if character == " ":
        spelled.append(r"\+")
    if character in _SHORT:
        spelled.append(rf"\\+{_SHORT[character]}")
    units = character.encode("utf-16-be", "surrogatepass")
    spelled.append("(?i:" + "".join(rf"\\+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + ")")
    if not character.isascii() and ord(character) < 0x100:  # as `repr` spells it
        spelled.append(rf"(?i:\\+x{ord(character):02x})")
    return f"(?:{'|'.join(spelled)})"


def _as_value(value: str) -> str:
    """The pattern of a word where it stands for a value."""
    return rf"""(?:(?<=["'`=])|(?<=[=:]\s)|(?<=://:)|(?<=[^\s/]:)){re.escape(value)}(?![\w-])"""


def _compile(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(dict.fromkeys(patterns))
    return re.compile(joined) if joined else None


def _of_variables(env: Pairs) -> Iterator[str]:
    for name, value in env:
        if is_secret(name) or (hints_at_secret(name) and is_random(value)):
            yield value
        else:
            yield from (match[0] for match in match_shapes(value))
            for start, end in find_parts(value):
                yield from (value[start:end], unquote(value[start:end]))


def _of_headers(headers: Pairs) -> Iterable[str]:
    carriers = [value for name, value in headers if name.lower() in _CARRIERS or is_secret(name)]
    return [*carriers, *(value.rpartition(" ")[2] for value in carriers)]
