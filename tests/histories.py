"""Histories for tests: the language of `statecheck.judge.language` by short names, and any history at all."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from statecheck.experiments import REPORTED
from statecheck.history import Frame, History, Line, Op
from statecheck.judge.language import marker_of as marker
from statecheck.judge.language import read_history as history
from statecheck.judge.language import read_op as op

__all__ = ["any_history", "history", "marker", "op"]

_few = st.integers(0, 4)
_op = st.builds(
    Op,
    time=st.integers(0, 50),
    type=st.sampled_from(["invoke", "ok", "fail", "info"]),
    f=st.sampled_from(
        [
            "turn",
            "model",
            "memory",
            "chat-store",
            "ctx-store",
            "context",
            "engine",
            "file",
            "disk",
            "wire",
            "gone",
            "place",
            "warning",
            "overlap",
            "run",
        ]
    ),
    pid=_few,
    generation=_few,
    turn=_few,
    action=st.sampled_from(["", "read", "write", "build", "load", "to_dict", "reset"]),
    cls=st.just("Memory"),
    obj=_few,
    parent=_few,
    key=st.sampled_from([None, "a", "b"]),
    markers=st.lists(_few.map(marker), min_size=1, max_size=3).map(tuple),
    text=st.sampled_from(["", marker(1), f"{marker(2)} {marker(1)}", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"]),
    frames=st.sampled_from([(), (Frame("app.py", 3, "chat"),)]),
    lines=st.sampled_from([(), (Line("app.py", 3, "defined"),)]),
    name=st.sampled_from(["", "a.db"]),
    where=st.sampled_from(["", "a.db", "app.sessions['a']"]),
    run=st.sampled_from(["", "r"]),
    roles=st.sampled_from(["", "uua"]),
    status=st.sampled_from([0, 500]),
    held=st.sampled_from([0, 8]),
    by_library=st.booleans(),
)
_turn_op = st.builds(
    replace,
    _op,
    type=st.sampled_from(["invoke", "ok", "ok", "fail", "info"]),
    f=st.just("turn"),
    turn=st.integers(1, 4),
)
any_history = st.builds(
    History.merge,
    st.sampled_from(REPORTED),
    st.tuples(st.lists(_turn_op, max_size=6), st.lists(_op, max_size=8), st.lists(_op, max_size=8)),
)
"""Any history at all, sensible or not, for property tests."""
