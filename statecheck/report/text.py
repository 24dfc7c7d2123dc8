"""Text that reporters share: how a report is shown, foreign text made safe, findings in order. Data in, text out."""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import CALLABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.model import Diagnosis, Finding, Outcome, ScenarioResult, TargetName

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # harmless, and emoji and Persian need them
_RANK = {"error": 0, "warning": 1, "note": 2}
_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*)::", re.MULTILINE)
_LEGACY = re.compile(r"##(\[|vso\[)")  # these are commands anywhere in a line
BAD: frozenset[str] = frozenset({"lost", "leaked", "reordered", "duplicated", "error"})
"""Outcomes that a reader has to look at."""


@dataclass(frozen=True, slots=True)
class View:
    """How a report is shown. Formats for programs ignore it.

    Attributes:
        width: columns there are.
        wrap: long lines are wrapped at `width` (a terminal), or left whole (a pipe).
        verbosity: 0, less by each -q, more by each -v.
    """

    width: int = 80
    wrap: bool = False
    color: bool = False
    verbosity: int = 0


def _escape(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    if unicodedata.category(char) in _UNSAFE and char not in _JOINERS:
        return char.encode("unicode_escape").decode()
    return char


def safe(text: str, limit: int = 2000) -> str:
    """Foreign text on one line: control and bidi characters escaped, its middle left out beyond `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    whole = len(text) <= 2 * limit
    pieces = [_escape(char) for char in (text if whole else text[:limit] + text[-limit:])]
    if whole and sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    head = _take_fitting(pieces, limit // 2)
    tail = _take_fitting(pieces[::-1], limit - limit // 2 - 1)
    return "".join(head) + "…" + "".join(tail[::-1])


def _take_fitting(pieces: list[str], room: int) -> list[str]:
    """Return the first pieces that fit; an escape is never cut in two."""
    taken: list[str] = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken


def defuse(text: str) -> str:
    """Text of which no line is a command to the runner of a workflow (`::error::`, `##[group]`, `##vso[…]`).

    Runners read them off the output of whatever they run, and so the target could give them. One character of each is
    escaped, in a way that JSON reads as the same character.
    """
    return _LEGACY.sub(r"#\\u0023\1", _COMMAND.sub(r"\1\\u003a:", text))


def plural(count: int, noun: str, nouns: str = "") -> str:
    """`1 cause`, `2 causes`."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order of reading: the primary one, then by severity, code and place."""
    return sorted(
        findings, key=lambda f: (not f.primary, _RANK[f.severity], f.code, f.anchor.path, f.anchor.line, f.kind or "")
    )


def header(finding: Finding) -> str:
    """`error[SC102] multi-worker`, with the kind behind it if there is one."""
    return f"{finding.severity}[{finding.code}] {finding.name}" + (f" ({finding.kind})" if finding.kind else "")


def repeat_command(target: TargetName) -> str:
    """Return the command that diagnoses a target."""
    path = safe(target.path)
    spec = f"{path}:{target.object}" if target.framework == CALLABLE.name else path
    return f"statecheck diagnose {shlex.quote(spec)}"


def select_applied(diagnosis: Diagnosis) -> list[Outcome]:
    """Return the experiments that were not skipped."""
    return [outcome for outcome in diagnosis.experiments if outcome.outcome != "skipped"]


def name_causes(result: ScenarioResult) -> str:
    """What the broken apps of a scenario that passed got: its causes, or the kind that is only ever a warning."""
    return ", ".join(result.expected) or f"{result.kind} as a warning"
