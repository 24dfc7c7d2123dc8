"""Runs in which what keeps the conversation expires."""

from __future__ import annotations

from statecheck.experiments import BASELINE
from statecheck.judge.cause import KEPT, Example

_UNTIL = r"""
-a host text=2026-03-01T12:00:00
1a > s
1a wire send where=redis:6379 text='*2\r\n$3\r\nGET\r\n$1\r\ns\r\n' @app.py:8
1a model read 1
1a wire write 1 where=redis:6379 text='*3\r\n$3\r\nSET\r\n$1\r\ns\r\n$2\r\n{}\r\n' @app.py:9
1a wire send where=redis:6379 text='*3\r\n$8\r\nEXPIREAT\r\n$1\r\ns\r\n$10\r\n1772366415\r\n' @app.py:10
1a <
2a > s
2a wire send where=redis:6379 text='*2\r\n$3\r\nGET\r\n$1\r\ns\r\n' @app.py:8
2a wire read 1 where=redis:6379
2a model read 1 2
2a <
"""
_BESIDE_AN_ENGINE = _UNTIL.replace(
    "1a model",
    "1a memory write #2 1 where=sqlite:///:memory: @app.py:7\n"
    "1a sql write 1 database=sqlite text='INSERT INTO messages VALUES (?)' @app.py:7\n1a model",
).replace(
    "2a model",
    "2a memory write #3 2 where=sqlite:///:memory: @app.py:7\n"
    "2a sql send database=sqlite text='SELECT data FROM messages' @app.py:7\n2a model",
)
_UNTIL_TOMORROW = _UNTIL.replace("1772366415", "1772452800")
_IN_A_CACHE = (
    KEPT
    + "-a place 1 where=\"app.talks['s']\" key=s @app.py:5\n-a lifetime name=ttl=10 text=10 where=talks @app.py:5\n"
)
_FOR_SOMETHING_ELSE = _IN_A_CACHE.replace("where=talks", "where=rates")
_IN_A_TABLE = KEPT.replace(
    "1a model", "1a wire write 1 where=mongo:27017 text='insert talks' @app.py:9\n1a model"
).replace("2a model", "2a wire send where=mongo:27017 text='find talks' @app.py:8\n2a model")
_ROWS_EXPIRE = _IN_A_TABLE + "-a lifetime name=expireAfterSeconds=5 text=5 where=talks @app.py:3\n"
_IN_LOCAL_TIME = (
    _IN_A_TABLE.replace("2a model read 1 2", "2a model read 2")
    + "-a host text=2026-03-01T12:00:00 where=-0500\n-a lifetime name=datetime.now() @app.py:9\n"
)
_IN_UTC = _IN_A_TABLE + "-a host text=2026-03-01T12:00:00 where=-0500\n"

_ONCE = r"""
1a > s
1a wire send where=redis:6379 text='*4\r\n$6\r\nLRANGE\r\n$1\r\ns\r\n$1\r\n0\r\n$2\r\n-1\r\n' @app.py:8
1a model read 1
1a wire write 1 where=redis:6379 text='*3\r\n$5\r\nRPUSH\r\n$1\r\ns\r\n$2\r\n{}\r\n' @app.py:9
1a wire send where=redis:6379 text='*3\r\n$6\r\nEXPIRE\r\n$1\r\ns\r\n$3\r\n900\r\n' @app.py:10
1a <
2a > s
2a wire send where=redis:6379 text='*4\r\n$6\r\nLRANGE\r\n$1\r\ns\r\n$1\r\n0\r\n$2\r\n-1\r\n' @app.py:8
2a wire read 1 where=redis:6379
2a model read 1 2
2a wire write 2 where=redis:6379 text='*3\r\n$5\r\nRPUSH\r\n$1\r\ns\r\n$2\r\n{}\r\n' @app.py:9
2a <
"""
_SENT = r"2a wire send where=redis:6379 text='*{}\r\n$6\r\nEXPIRE\r\n$1\r\ns\r\n$3\r\n900\r\n{}' @app.py:10"
_AGAIN = _ONCE.replace("2a <", _SENT.format(3, "") + "\n2a <")
_ONLY_WHERE_NONE = _ONCE.replace("2a <", _SENT.format(4, r"$2\r\nNX\r\n") + "\n2a <")
_EXPIRY, _STORED = (next(line for line in _ONCE.splitlines() if word in line) for word in ("EXPIRE", "RPUSH"))
_BEGUN = _ONCE.replace(_EXPIRY + "\n", "").replace(
    "1a model", f"{_STORED.replace('wire write 1', 'wire send')}\n{_EXPIRY}\n1a model"
)
_FOR_DAYS = _ONCE.replace(r"$3\r\n900", r"$6\r\n604800")
_BY_A_SCRIPT = _ONCE.replace(
    "2a <", r"2a wire send where=redis:6379 text='*4\r\n$4\r\nEVAL\r\n$1\r\nx\r\n$1\r\n1\r\n$1\r\ns\r\n'" + "\n2a <"
)

EXAMPLES = (
    Example("a key is let expire in 15 s", {BASELINE: _UNTIL}, "short-lived"),
    Example("and an engine of the request has it in memory", {BASELINE: _BESIDE_AN_ENGINE}, "short-lived"),
    Example("a cache keeps it for 10 s", {BASELINE: _IN_A_CACHE}, "short-lived"),
    Example("rows expire after 5 s", {BASELINE: _ROWS_EXPIRE}, "short-lived"),
    Example("rows expire by local time", {BASELINE: _IN_LOCAL_TIME}, "short-lived"),
    Example("a key expires 15 min after the first turn", {BASELINE: _ONCE}, "not-renewed"),
    Example("a key begins with a system message, and expires", {BASELINE: _BEGUN}, "not-renewed"),
    Example("`EXPIRE ... NX` renews nothing", {BASELINE: _ONLY_WHERE_NONE}, "not-renewed"),
)
COUNTEREXAMPLES = (
    Example("each turn renews its key", {BASELINE: _AGAIN}),
    Example("a key is kept for a week", {BASELINE: _FOR_DAYS}),
    Example("a script may renew it", {BASELINE: _BY_A_SCRIPT}),
    Example("a key is let expire tomorrow", {BASELINE: _UNTIL_TOMORROW}),
    Example("a cache of seconds keeps something else", {BASELINE: _FOR_SOMETHING_ELSE}),
    Example("rows have their time in UTC", {BASELINE: _IN_UTC}),
)
