"""Runs in which the cause must be found, and runs that only look alike."""

from __future__ import annotations

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Example

_DROPPED = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store read #2 name=seen run=r1 @flow.py:9
1a ctx-store write #2 1 name=seen run=r1 @flow.py:10
1a gone #1
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store read #4 name=seen run=r2 @flow.py:9
2a ctx-store write #4 2 name=seen run=r2 @flow.py:10
2a <
"""
_SAVED_TOO_EARLY = _DROPPED.replace("1a run", "1a context to_dict #1 @app.py:19\n1a run")
_CHANGED_IN_PLACE = _DROPPED.replace("store write", "store mutate")
_SET_BEFORE_IT_IS_READ = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store write #2 1 name=seen run=r1 @flow.py:9
1a ctx-store read #2 1 name=seen run=r1 @flow.py:10
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store write #4 2 name=seen run=r2 @flow.py:9
2a <
"""
_GIVEN_AGAIN = _DROPPED.replace("2a ctx-store read #4", "2a ctx-store read #4 1")

EXAMPLES = (
    Example("each run has a Context of its own", {BASELINE: _DROPPED}),
    Example("a snapshot is taken before the run", {BASELINE: _SAVED_TOO_EARLY}, "stale-snapshot"),
    Example("a value is changed and not set", {BASELINE: _CHANGED_IN_PLACE}, "unset-mutation"),
)
COUNTEREXAMPLES = (
    Example("a value is set before it is read: scratch", {BASELINE: _SET_BEFORE_IT_IS_READ}),
    Example("the next run has the value", {BASELINE: _GIVEN_AGAIN}),
)
