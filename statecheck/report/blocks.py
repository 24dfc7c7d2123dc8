"""The pieces of the `full` report as Rich renderables. Foreign text enters as `Text`, which Rich never reads as markup.

Only `full` imports this, and late: it is the one place that imports Rich.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from statecheck.report.text import View, header, safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.model import Finding, Outcome, Problem, Turn

_UNWRAPPED = 100_000
_FORGOTTEN = "forgotten"
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
    _FORGOTTEN: "red",
    "not told": "green",
    "passed": "green",
    "failed": "red",
}
_MOST_ROWS = 16  # of a longer talk, what comes before and after a loss
_COLUMNS = ("turn", "PID", "gen", "key sent", "looked up", "written", "given", "turn is")
_WRITTEN = _COLUMNS.index("written")
_INDENT, _NARROWEST, _FATE = 2, 12, 24
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


def color_word(word: str, text: str = "") -> Text:
    """Return a word that has a meaning, in its colour (never by colour alone: the word itself says it)."""
    return Text(text or word, style=_COLOR.get(word, ""))


def heading(text: str) -> RenderableType:
    """Return the title of a block."""
    return Text(text, style="bold")


def finding(found: Finding) -> RenderableType:
    """Return a finding: where, what, how it shows, and what to change."""
    title = line(
        Text(safe(str(found.anchor)), style="bold"),
        ": ",
        color_word(found.severity, f"{found.severity}[{found.code}]"),
        header(found).partition("]")[2],
        "" if found.confidence == "certain" else f", {found.confidence}",
    )
    rows = [line(safe(found.summary), indent=2)]
    if found.evidence:
        rows += [Padding(_pairs((e.experiment, e.text) for e in found.evidence), (1, 0, 1, 4), expand=False)]
    for place in found.related:
        rows.append(line(f"{safe(str(place))}: {safe(place.text)}", indent=2))
    return Group(title, *rows, line(Text("fix: ", style="bold"), safe(found.fix), indent=2), "")


def problem(error: Problem) -> RenderableType:
    """Return what kept an experiment from being judged, with the target's own last lines."""
    tail = [line("| ", safe(text), indent=4) for text in error.detail.splitlines()[-20:]]
    title = line(color_word("error"), ": ", safe(error.text))
    return Group(title, *tail, line(Text("hint: ", style="bold"), safe(error.hint), indent=2), "")


def record(experiments: Iterable[Outcome], shown: set[str], room: int | None) -> RenderableType:
    """Return what was done: a line for each experiment, and under it the turns of those that are to be shown.

    Args:
        room: columns there are, or None if lines may be as long as they need.
    """
    listed = list(experiments)
    rows = {outcome.name: _rows(outcome) for outcome in listed if outcome.name in shown}
    every = [_COLUMNS, *(row for some in rows.values() for row in some)]
    widths = [max(cell_len(row[n]) for row in every) for n in range(len(_COLUMNS))]
    if room is not None:
        widths[-1] = min(widths[-1], _FATE)
        others = sum(widths) - widths[_WRITTEN] + 2 * len(widths) + _INDENT
        widths[_WRITTEN] = max(min(widths[_WRITTEN], room - others), _NARROWEST)
    pieces: list[RenderableType] = []
    if any(rows.values()):
        pieces.append(_turns([_COLUMNS], widths, style="underline"))
    for outcome in listed:
        pids = "" if outcome.name in rows or not outcome.pids else f" (PID {' '.join(map(str, outcome.pids))})"
        reason = f": {safe(outcome.reason, 400)}" if outcome.reason else ""
        title = Text.assemble(Text(safe(outcome.name), style="bold"), ": ", color_word(outcome.outcome), reason, pids)
        pieces.append(title)
        if rows.get(outcome.name):
            pieces.append(_turns(rows[outcome.name], widths))
    return Group(*pieces, "")


def _turns(rows: list[tuple[str, ...]], widths: list[int], style: str = "") -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for width in widths:
        table.add_column(width=width, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=style or _COLOR.get(cell, "")) for cell in row))
    return Padding(table, (0, 0, 0, _INDENT), expand=False)


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """Return a row for each turn; those of which the same is to be said share one (`2-5, 7`)."""
    numbers: dict[tuple[str, ...], list[int]] = {}
    for turn in outcome.turns:
        cells = (*_cells(turn), _fate(turn, apart=outcome.outcome in ("isolated", "leaked")))
        numbers.setdefault(cells, []).append(turn.number)
    rows = [(_ranges(found), *cells) for cells, found in numbers.items()]
    if len(rows) <= _MOST_ROWS:
        return rows
    first = next((place for place, row in enumerate(rows) if row[-1] == _FORGOTTEN), len(rows))
    shown = {0, 1, *range(first - 2, first + 3), len(rows) - 1}
    left_out = ("...", *("" for _ in rows[0][1:]))
    return [row if n in shown else left_out for n, row in enumerate(rows) if n in shown or n - 1 in shown]


def _cells(turn: Turn) -> tuple[str, ...]:
    """Return what is said of a turn: what its request sent, and what the app looked up, wrote and was given."""
    looked_up, wrote = _key(turn.looked_up, "(not seen)"), turn.wrote
    if turn.session_key and turn.looked_up == turn.session_key:
        looked_up, wrote = "the same", wrote.replace(f"[{turn.session_key!r}]", "[key]")
    return (
        str(turn.pid or "-"),
        str(turn.generation or "-"),
        _key(turn.session_key, "(none)"),
        looked_up,
        safe(wrote, _CELL) or "-",
        "{} of {}".format(*turn.given) if turn.given else "-",
    )


def _ranges(numbers: list[int]) -> str:
    """`2-5, 7` for 2, 3, 4, 5 and 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def half(width: int) -> int:
    """Return the columns that each of two blocks beside each other has."""
    return (width - 4) // 2


def place_beside(left: RenderableType, right: RenderableType, width: int) -> RenderableType:
    """Two blocks beside each other, each in half of the width."""
    grid = Table.grid(padding=(0, 4, 0, 0))
    grid.add_column(width=half(width), overflow="fold")
    grid.add_column(width=half(width), overflow="fold")
    grid.add_row(left, right)
    return grid


def _key(key: str | None, absent: str) -> str:
    return absent if key is None else safe(key, _KEY) or '""'


def _fate(turn: Turn, *, apart: bool) -> str:
    """Return what became of what was said before; of another user's, `not told` is as it should be."""
    lost = "not told" if apart else _FORGOTTEN
    words = {True: "remembered", False: lost, None: "first" if turn.number == 1 else "-"}
    fate = {"ok": words[turn.remembered], "fail": "refused", "info": "in flight"}[turn.status]
    return f"{fate}: {safe(turn.note, 120)}" if turn.note else fate


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(safe(name)), Text(safe(text)))
    return table
