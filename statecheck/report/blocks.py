"""The pieces of the `full` report as Rich renderables. Foreign text enters as `Text`, which Rich never reads as markup.

Only `full` imports this, and late: it is the one place that imports Rich.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from statecheck.report.text import View, header, safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.model import Diagnosis, Finding, Outcome, Problem, Turn

_UNWRAPPED = 100_000
_COLOR = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "kept": "green",
    "isolated": "green",
    "lost": "red",
    "leaked": "red",
    "reordered": "yellow",
    "duplicated": "yellow",
    "skipped": "bright_black",
    "remembered": "green",
    "forgotten": "red",
    "passed": "green",
    "failed": "red",
}
_SHORT = {"turn", "PID", "gen", "given", "outcome", "experiment"}
_KEY, _CELL = 28, 48
"""Characters of a session key and of a place that a row of the table of turns shows."""


def draw(blocks: Iterable[RenderableType], view: View) -> str:
    """Blocks as text: wrapped only for a terminal, coloured only if the view says so, no spaces at line ends."""
    console = Console(
        file=io.StringIO(),
        width=view.width if view.wrap else max(view.width, _UNWRAPPED),
        height=100,  # without it Rich takes 80 columns where TERM is dumb
        force_terminal=view.color,
        color_system="standard" if view.color else None,
        no_color=not view.color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        for block in blocks:
            console.print(block)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().split("\n")[:-1])


def line(*parts: str | Text, indent: int = 0) -> RenderableType:
    """One line of text; our own strings as they are, foreign ones through `safe` first."""
    return Padding(Text.assemble(*parts), (0, 0, 0, indent), expand=False)


def said(word: str, text: str = "") -> Text:
    """Return a word that has a meaning, in its colour (never by colour alone: the word itself says it)."""
    return Text(text or word, style=_COLOR.get(word, ""))


def heading(text: str) -> RenderableType:
    """Return the title of a block."""
    return Text(text, style="bold")


def finding(found: Finding) -> RenderableType:
    """Return a finding: where, what, how it shows, and what to change."""
    title = line(
        Text(f"{safe(found.anchor.path)}:{found.anchor.line}", style="bold"),
        ": ",
        said(found.severity, f"{found.severity}[{found.code}]"),
        header(found).partition("]")[2],
        "" if found.confidence == "certain" else f", {found.confidence}",
    )
    rows = [line(safe(found.summary), indent=2)]
    if found.evidence:
        rows += [Padding(_pairs((e.experiment, e.text) for e in found.evidence), (1, 0, 1, 4), expand=False)]
    for place in found.related:
        rows.append(line(f"{safe(place.path)}:{place.line}: {safe(place.text)}", indent=2))
    return Group(title, *rows, line(Text("fix: ", style="bold"), safe(found.fix), indent=2), "")


def problem(error: Problem) -> RenderableType:
    """Return what kept an experiment from being judged, with the target's own last lines."""
    tail = [line("| ", safe(text), indent=4) for text in error.detail.splitlines()[-20:]]
    title = line(said("error"), ": ", safe(error.text))
    return Group(title, *tail, line(Text("hint: ", style="bold"), safe(error.hint), indent=2), "")


def experiments(diagnosis: Diagnosis) -> RenderableType:
    """Return the table of experiments."""
    table = _table("experiment", "outcome", "PIDs", "why")
    for outcome in diagnosis.experiments:
        pids = " ".join(map(str, outcome.pids)) or "-"
        table.add_row(Text(safe(outcome.name)), said(outcome.outcome), Text(pids), Text(safe(outcome.reason, 400)))
    return Group(table, "")


def turns(outcome: Outcome) -> RenderableType:
    """Return one experiment's turns: what each request sent, and what the app looked up, wrote and was given."""
    table = _table("turn", "PID", "gen", "key sent", "looked up", "written", "given", "turn is")
    for turn in outcome.turns:
        table.add_row(
            Text(str(turn.number)),
            Text(str(turn.pid) if turn.pid else "-"),
            Text(str(turn.generation) if turn.generation else "-"),
            Text(_key(turn.session_key, "(none)")),
            Text(_key(turn.looked_up, "(not seen)")),
            Text(safe(turn.wrote, _CELL) or "-"),
            Text("{} of {}".format(*turn.given) if turn.given else "-"),
            _fate(turn),
        )
    title = line(Text(f"turns of {safe(outcome.name)}", style="bold"), ": ", said(outcome.outcome))
    return Group(title, Padding(table, (0, 0, 0, 2), expand=False), "")


def beside(left: RenderableType, right: RenderableType, width: int) -> RenderableType:
    """Two blocks beside each other, each in half of the width."""
    grid = Table.grid(padding=(0, 4, 0, 0))
    half = (width - 4) // 2
    grid.add_column(width=half, overflow="fold")
    grid.add_column(width=half, overflow="fold")
    grid.add_row(left, right)
    return grid


def _key(key: str | None, absent: str) -> str:
    return absent if key is None else safe(key, _KEY) or '""'


def _fate(turn: Turn) -> Text:
    words = {True: "remembered", False: "forgotten", None: "first" if turn.number == 1 else "-"}
    fate = {"ok": words[turn.remembered], "fail": "refused", "info": "in flight"}[turn.status]
    return said(fate) + (Text(f": {safe(turn.note, 120)}") if turn.note else Text())


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(safe(name)), Text(safe(text)))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
    for column in columns:
        least = len("remembered") if column == "turn is" else None
        table.add_column(column, overflow="fold", no_wrap=column in _SHORT, min_width=least)
    return table
