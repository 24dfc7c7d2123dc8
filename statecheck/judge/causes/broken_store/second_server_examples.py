"""Runs in which a server starts while another has a run under way."""

from __future__ import annotations

from statecheck.experiments import BASELINE, SECOND_SERVER
from statecheck.judge.cause import KEPT, Example

_ONCE = """
-a server build cls=WorkflowServer where=TheStore distribution="a-library 0.8.0" @app.py:26
1a > s
1a model read 1 @app.py:21
1a <
2a > s
2a model read 1 2 @app.py:21
2a ?
-c model read 1 2 @app.py:21
"""
_NEVER = _ONCE.replace("-c model read 1 2 @app.py:21\n", "")
_TWICE = _ONCE.replace("1a <", "-b model read 1 @app.py:21\n1a <")

EXAMPLES = (
    Example("nobody takes up a young run", {BASELINE: KEPT, SECOND_SERVER: _NEVER}, "never-resumed"),
    Example("two servers do one run", {BASELINE: KEPT, SECOND_SERVER: _TWICE}, "resumed-twice"),
)
COUNTEREXAMPLES = (Example("a run goes on at the next server alone", {BASELINE: KEPT, SECOND_SERVER: _ONCE}),)
