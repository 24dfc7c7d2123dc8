"""Runs in which texts are long, or have several lines, and runs in which there are many turns."""

from __future__ import annotations

from statecheck.experiments import BASELINE, LONG_TALK, LONG_TEXT
from statecheck.judge.cause import KEPT, Example

# turn 1's text begins with the marker of a turn 8 that is not there, and turn 2's with that of a turn 9
_WHOLE = """
1a > s after=8
1a model read 8 1
1a file write 8 1 where=s.txt @app.py:12
1a <
2a > s after=9
2a file read 8 1 where=s.txt @app.py:7
2a model read 8 1 9 2
2a <
3a > s
3a model read 8 1 9 2 3
3a <
"""
_FIRST_LINES = _WHOLE.replace("read 8 1 9 2", "read 8 9 2").replace("read 8 1 9", "read 8 9")
_LAST_LINES = _WHOLE.replace("read 8 1 9 2", "read 1 9 2")
_TOLD_BY_A_TOOL = _LAST_LINES.replace("1a <", "1a tool write 1 tool=note\n1a <")
_NOTHING = _WHOLE.replace("model read 8 1 9", "model read 9")
_IN_A_WINDOW = _NOTHING + "-a window name=token_limit=60 @app.py:4\n"
_REFUSED = """
1a > s after=8
1a file write 8 1 where=s.txt @app.py:12
1a <
2a > s after=9
2a x HTTP 500
3a > s
3a x HTTP 500
"""
_NOT_TAKEN = _REFUSED.replace("1a <", "1a x HTTP 422")


def _talk(*given: str) -> str:
    """Turns of which each is given these, in messages of their own."""
    written = "sql write {} text='INSERT OR REPLACE INTO talk VALUES (?, ?)' @app.py:21"
    return "".join(
        f"{n}a > s\n{n}a model read {before} {n} roles={'ua' * len(before.split())}u\n"
        f"{n}a {written.format(n)}\n{n}a <\n"
        for n, before in enumerate(given, 1)
    )


_OVERWRITTEN = _talk("", "1", "1 2", "1 2 3", "2 3", "2 3", "2 3")
_NEWEST = _talk("", "1", "1 2", "1 2 3", "2 3 4", "3 4 5", "4 5 6")
_FULL = _talk("", "1", "1 2") + "4a > s\n4a x HTTP 500\n5a > s\n5a x HTTP 500\n"
_REFUSED_ONCE = _talk("", "1", "1 2") + "4a > s\n4a x HTTP 429\n5a > s\n5a x HTTP 429\n"

EXAMPLES = (
    Example("a transcript has a line for a message", {BASELINE: KEPT, LONG_TEXT: _FIRST_LINES}, "cut-text"),
    Example("what stands after the last mark comes back", {BASELINE: KEPT, LONG_TEXT: _LAST_LINES}, "cut-text"),
    Example("a row of more fields is passed over", {BASELINE: KEPT, LONG_TEXT: _NOTHING}, "cut-text"),
    Example("a row of more fields cannot be read", {BASELINE: KEPT, LONG_TEXT: _REFUSED}, "cut-text"),
    Example("rows are numbered by their count", {BASELINE: KEPT, LONG_TALK: _OVERWRITTEN}, "oldest-window"),
    Example("a number is taken already", {BASELINE: KEPT, LONG_TALK: _FULL}, "oldest-window"),
)
COUNTEREXAMPLES = (
    Example("texts come back whole", {BASELINE: KEPT, LONG_TEXT: _WHOLE}),
    Example("a tool is told the end", {BASELINE: KEPT, LONG_TEXT: _TOLD_BY_A_TOOL}),
    Example("a message is longer than a window", {BASELINE: KEPT, LONG_TEXT: _IN_A_WINDOW}),
    Example("such a text is refused", {BASELINE: KEPT, LONG_TEXT: _NOT_TAKEN}),
    Example("the newest turns of many", {BASELINE: KEPT, LONG_TALK: _NEWEST}),
    Example("a quota ends a talk", {BASELINE: KEPT, LONG_TALK: _REFUSED_ONCE}),
)
