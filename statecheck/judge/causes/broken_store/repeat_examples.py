"""Runs in which one text is said twice."""

from __future__ import annotations

from statecheck.experiments import BASELINE, SAME_TEXT
from statecheck.judge.cause import KEPT, Example

_DROPPED = """
1a > ada
1a sql write 1 text="INSERT OR IGNORE INTO said (session, text) VALUES (?, ?)" @app.py:9
1a model read 1 messages=u1
1a <
2a > ada says=2
2a model read 1 2 messages=u1,a1,u2
2a <
3a > bob says=2
3a model read 2 messages=u2
3a <
4a > ada
4a model read 1 2 4 messages=u1,a1,u2,a2,u4
4a <
5a > ada says=2
5a sql write 2 text="INSERT OR IGNORE INTO said (session, text) VALUES (?, ?)" @app.py:9
5a model read 1 2 4 messages=u1,a1,u2,a2,u4,a4,u2
5a <
6a > ada
6a model read 1 2 4 6 messages=u1,a1,u2,a2,u4,a4,a5,u6
6a <
"""
_KEPT_TWICE = _DROPPED.replace("a4,a5", "a4,u2,a5")
_A_WINDOW = _DROPPED.replace("6a model read 1 2 4 6 messages=u1,a1,u2,", "6a model read 2 4 6 messages=u2,")
_TAKEN_FOR_A_REPEATED_REQUEST = _DROPPED.replace("5a model read 1 2 4 messages=u1,a1,u2,a2,u4,a4,u2\n", "")

EXAMPLES = (Example("a text is kept once", {BASELINE: KEPT, SAME_TEXT: _DROPPED}, "repeat-dropped"),)
COUNTEREXAMPLES = (
    Example("a text is kept twice", {BASELINE: KEPT, SAME_TEXT: _KEPT_TWICE}),
    Example("the newest turns", {BASELINE: KEPT, SAME_TEXT: _A_WINDOW}),
    Example("a repeated request does nothing", {BASELINE: KEPT, SAME_TEXT: _TAKEN_FOR_A_REPEATED_REQUEST}),
)
