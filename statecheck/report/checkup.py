"""What `doctor` prints: its checks in their groups, and one line that says whether statecheck can work here."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from statecheck.report.json import document, dumps
from statecheck.report.text import plural, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.doctor.environment import Check

_MARKS = {"good": "ok   ", "limit": "limit", "bad": "BAD  "}


def render(checks: Sequence[Check], python: str, style: str, *, ready: bool) -> str:
    """Return the report.

    Args:
        checks: in the order of reading, those of one group together.
        python: the interpreter that was looked at.
        style: full or json.
        ready: whether statecheck can diagnose apps of this environment.
    """
    if style == "json":
        rows = [
            {"group": c.group, "name": c.name, "status": c.status, "text": c.text, "hint": c.hint or None}
            for c in checks
        ]
        return dumps(document({"python": python, "ready": ready, "checks": rows}))
    lines: list[str] = []
    for group, members in groupby(checks, lambda check: check.group):
        lines.append(group)
        for check in members:
            lines.append(f"  {_MARKS[check.status]}  {safe(check.text)}")
            lines += [f"         hint: {check.hint}"] if check.hint else []
        lines.append("")
    return "\n".join([*lines, _last(checks, ready=ready)]) + "\n"


def _last(checks: Sequence[Check], *, ready: bool) -> str:
    bad = sum(check.status == "bad" for check in checks)
    if not ready:
        return "Not ready: statecheck cannot diagnose apps of this environment; see the first BAD line"
    if bad:
        counted = plural(bad, "store here loses messages by itself", "stores here lose messages by themselves")
        return f"Ready, but {counted}; next: see the hints of the BAD lines, then statecheck diagnose app.py"
    return "Ready; next: statecheck diagnose app.py"
