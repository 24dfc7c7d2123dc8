"""Secrets that the user hands over are in no report and in no kept run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from statecheck.history import History, decode_lines, encode
from statecheck.kept.records import map_texts
from statecheck.kept.runs import KeptRun
from statecheck.probe.offline import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STANDS_FOR = "[a secret that was handed over]"
_LEAST = 6  # characters: what is shorter is part of too many words
_CARRIERS = ("authorization", "proxy-authorization", "cookie")

Pairs = tuple[tuple[str, str], ...]


class Redaction:
    """Replaces secrets in what was recorded.

    Args:
        env: variables that were handed over; those count whose name or URL says so.
        headers: that every turn was sent with.
    """

    def __init__(self, env: Pairs, headers: Pairs) -> None:
        found = {value for value in (*_of_variables(env), *_of_headers(headers)) if len(value) >= _LEAST}
        spelled = {spelling for value in found for spelling in (value, json.dumps(value)[1:-1])}
        longest_first = sorted(spelled, key=lambda value: (-len(value), value))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if found else None

    def text(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(_STANDS_FOR, text) if self._pattern else text

    def run(self, run: KeptRun) -> KeptRun:
        """A run without them, in its record, its histories and what the target printed."""
        if self._pattern is None:
            return run
        histories = {name: self.history(history) for name, history in run.histories.items()}
        outputs = {generation: self.text(text) for generation, text in run.outputs.items()}
        return KeptRun(map_texts(run.meta, self.text), histories, outputs)

    def history(self, history: History) -> History:
        """A history without them."""
        if self._pattern is None:
            return history
        lines = self.text("".join(encode(op) + "\n" for op in history.ops))
        return History(history.experiment, tuple(decode_lines(lines.encode("utf-8", "backslashreplace"))))


def _of_variables(env: Pairs) -> Iterator[str]:
    for name, value in env:
        if is_secret(name):
            yield value
        elif "://" in value and "@" in value:
            try:
                password = urlsplit(value).password
            except ValueError:
                continue
            yield from (password, unquote(password)) if password else ()


def _of_headers(headers: Pairs) -> Iterable[str]:
    carriers = [value for name, value in headers if name.lower() in _CARRIERS or is_secret(name)]
    return [*carriers, *(value.rpartition(" ")[2] for value in carriers)]
