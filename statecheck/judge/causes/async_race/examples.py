"""Recorded runs in which SC105 must be found, and others that look alike."""

from __future__ import annotations

from statecheck.experiments import APPROVAL, BASELINE, CONCURRENT, RESENT, TWO_SESSIONS
from statecheck.judge.cause import KEPT, Example

_OVERWRITTEN = """
1a > s
1a model read 1
1a <
2a > s
3a > s
2a model read 1 2
3a model read 1 3
2a file write where=data/s.json @app.py:14
2a <
3a <
2 overlap info held=2
4a > s
4a model read 1 3 4
4a <
"""
_ONE_FILE = """
1a > s
1a model read 1
1a <
2a > t
2a model read 2
2a <
3a > s
4a > t
3a model read 1 3
4a model read 2 4
3a file write where=data/all.json @app.py:14
3a <
4a <
3 overlap info held=2
5a > t
5a model read 2 4 5
5a <
6a > s
6a model read 1 6
6a <
"""
_PUSHED_OUT = _ONE_FILE.replace("read 1 3", "read 3")
_IN_THE_LIBRARY = _OVERWRITTEN.replace("file write where=data/s.json", "chat-store write #1 2 cls=RedisChatStore")
_ALL_KEPT = _OVERWRITTEN.replace("read 1 3 4", "read 1 2 3 4 roles=uauauau")
_INTERLEAVED = _ALL_KEPT.replace("uauauau", "uauuaau")
_GONE_ON = """
1a > -
1a asks cls=InputRequiredEvent
1a < "{1}? Tell run-7"
2a > - answers=1
2a answers cls=HumanResponseEvent @app.py:40
2a < "done: {1}"
"""
_TAKEN_TWICE = """
1a > -
1a asks cls=InputRequiredEvent
1a < "{1}? Tell run-7"
2a > - answers=1
3a > - answers=1
2a answers cls=HumanResponseEvent @app.py:40
3a answers cls=HumanResponseEvent @app.py:40
2a < "done: {1}"
3a < "done: {1}"
2 overlap info held=2
"""
_TAKEN_ONCE = _TAKEN_TWICE.replace("3a answers cls=HumanResponseEvent @app.py:40\n", "").replace(
    '3a < "done: {1}"', "3a x HTTP 409"
)
_STORED_TWICE = """
1a > s
1a model read 1 messages=u1
1a <
2a > s again
2a model read 1 messages=u1,a1,u1
2a sql write 1 database=sqlite @app.py:30
2a <
3a > s
3a model read 1 3 messages=u1,a1,u1,a2,u3
3a <
"""
_STORED_ONCE = _STORED_TWICE.replace(
    "2a model read 1 messages=u1,a1,u1\n2a sql write 1 database=sqlite @app.py:30\n", ""
)

EXAMPLES = (
    Example("load, answer, save", {BASELINE: KEPT, CONCURRENT: _OVERWRITTEN}, "user-code"),
    Example("a store of the library's does so", {BASELINE: KEPT, CONCURRENT: _IN_THE_LIBRARY}, "library-store"),
    Example("one file for all sessions", {BASELINE: KEPT, TWO_SESSIONS: _ONE_FILE}, "user-code"),
    Example("an approval is taken twice", {BASELINE: _GONE_ON, APPROVAL: _TAKEN_TWICE}, "approved-twice"),
    Example("an event is stored twice", {BASELINE: KEPT, RESENT: _STORED_TWICE}, RESENT),
    Example("kept out of order", {BASELINE: KEPT, CONCURRENT: _INTERLEAVED}, "interleaved"),
)
COUNTEREXAMPLES = (
    Example("an event is stored once", {BASELINE: KEPT, RESENT: _STORED_ONCE.replace("u1,a1,u1,a2,u3", "u1,a1,u3")}),
    Example("all are kept", {BASELINE: KEPT, CONCURRENT: _ALL_KEPT}),
    Example("an approval is taken once", {BASELINE: _GONE_ON, APPROVAL: _TAKEN_ONCE}),
    Example("another's turn alone pushes one out", {BASELINE: KEPT, TWO_SESSIONS: _PUSHED_OUT}),
)
