"""Runs in which a call of a model fails once, in turn 2."""

from __future__ import annotations

from statecheck.experiments import BASELINE, MODEL_FAILS
from statecheck.judge.cause import KEPT, Example

_INSERT = "sql write 2 text='INSERT INTO said (trip, role, body) VALUES (?, ?, ?)' @app.py:9"
_RETRIED = f"""
1a > s
1a model read 1 messages=u1 @app.py:12
1a <
2a > s
2a {_INSERT}
2a model read 1 2 messages=u1,a1,u2 @app.py:12
2a outage fail cls=OpenAI @app.py:12
2a {_INSERT}
2a model read 1 2 messages=u1,a1,u2,u2 @app.py:12
2a <
3a > s
3a model read 1 2 3 messages=u1,a1,u2,u2,a2,u3 @app.py:12
3a <
"""
_RETRIED_ALONE = _RETRIED.replace(",u2,u2", ",u2")
_EMPTIED = _RETRIED_ALONE.replace("read 1 2 3 messages=u1,a1,u2,a2,u3", "read 3 messages=u3")
_NOT_KEPT = _RETRIED_ALONE.replace("read 1 2 3 messages=u1,a1,u2,a2,u3", "read 1 3 messages=u1,a1,u3")
_STARTED_OVER = """
1a > s
1a model read 1 messages=u1 @app.py:12
1a <
2a > s
2a model read 1 2 messages=u1,a1,u2 @app.py:12
2a outage fail cls=OpenAI @app.py:12
2a memory reset cls=ChatMemoryBuffer @app.py:15
2a model read 2 messages=u2 @app.py:16
2a <
3a > s
3a model read 2 3 messages=u2,a2,u3 @app.py:12
3a <
"""
_TRIED_SHORTER = _STARTED_OVER.replace("2a memory reset cls=ChatMemoryBuffer @app.py:15\n", "").replace(
    "read 2 3 messages=u2", "read 1 2 3 messages=u1,a1,u2"
)
_WINDOW_OF_ONE = _STARTED_OVER.replace("2a memory reset cls=ChatMemoryBuffer @app.py:15\n", "").replace(
    "read 2 messages=u2", "read 1 2 messages=u1,a1,u2"
)
_SENT_AGAIN = f"""
1a > s
1a model read 1 messages=u1 @app.py:12
1a <
2a > s
2a {_INSERT}
2a model read 1 2 messages=u1,a1,u2 @app.py:12
2a outage fail cls=OpenAI @app.py:12
2a x HTTP 500
3a > s says=2
3a model read 1 2 messages=u1,a1,u2,u2 @app.py:12
3a <
4a > s
4a model read 1 2 4 messages=u1,a1,u2,u2,a2,u4 @app.py:12
4a <
"""
_NOTHING_LEFT = _SENT_AGAIN.replace(f"2a {_INSERT}\n", "").replace(",u2,u2", ",u2")
_BY_AN_ENGINE = _SENT_AGAIN.replace(_INSERT, "memory write 2 by_library @app.py:12")
_APOLOGY = f"""
1a > s
1a model read 1 messages=u1 @app.py:12
1a <
2a > s
2a {_INSERT}
2a model read 1 2 messages=u1,a1,u2 @app.py:12
2a outage fail cls=OpenAI @app.py:12
2a < "Please try again later"
3a > s
3a model read 1 2 3 messages=u1,a1,u2,u3 @app.py:12
3a <
"""
_APOLOGY_IS_STORED = _APOLOGY.replace("u2,u3", "u2,a2,u3")
_APOLOGY_ALONE = _APOLOGY.replace(f"2a {_INSERT}\n", "").replace("1 2 3 messages=u1,a1,u2,u3", "1 3 messages=u1,a1,u3")
_STAYS_BUSY = _SENT_AGAIN[: _SENT_AGAIN.index("3a")] + "3a > s says=2\n3a x HTTP 409\n4a > s\n4a x HTTP 409\n"
_WAITS = _STAYS_BUSY.replace("409", "503")

EXAMPLES = (
    Example("what is tried again stores the question", {BASELINE: KEPT, MODEL_FAILS: _RETRIED}, "failed-turn"),
    Example("a user sends again what stays stored", {BASELINE: KEPT, MODEL_FAILS: _SENT_AGAIN}, "failed-turn"),
    Example("a question stays without an answer", {BASELINE: KEPT, MODEL_FAILS: _APOLOGY}, "failed-turn"),
    Example("a failed turn empties the conversation", {BASELINE: KEPT, MODEL_FAILS: _EMPTIED}, "failed-turn"),
    Example(
        "a memory is reset, and the model asked again", {BASELINE: KEPT, MODEL_FAILS: _STARTED_OVER}, "failed-turn"
    ),
    Example("another model answers, and nobody stores it", {BASELINE: KEPT, MODEL_FAILS: _NOT_KEPT}, "failed-turn"),
    Example("a conversation stays busy for good", {BASELINE: KEPT, MODEL_FAILS: _STAYS_BUSY}, "failed-turn"),
)
COUNTEREXAMPLES = (
    Example("a model's call alone is tried again", {BASELINE: KEPT, MODEL_FAILS: _RETRIED_ALONE}),
    Example("a model is asked again with the question alone", {BASELINE: KEPT, MODEL_FAILS: _TRIED_SHORTER}),
    Example("a window holds one turn", {BASELINE: KEPT, MODEL_FAILS: _WINDOW_OF_ONE}),
    Example("a failed turn leaves nothing", {BASELINE: KEPT, MODEL_FAILS: _NOTHING_LEFT}),
    Example("a library's engine stores first", {BASELINE: KEPT, MODEL_FAILS: _BY_AN_ENGINE}),
    Example("an apology is stored", {BASELINE: KEPT, MODEL_FAILS: _APOLOGY_IS_STORED}),
    Example("an apology, and nothing is stored", {BASELINE: KEPT, MODEL_FAILS: _APOLOGY_ALONE}),
    Example("an app waits for its provider", {BASELINE: KEPT, MODEL_FAILS: _WAITS}),
)
