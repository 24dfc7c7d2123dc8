"""The work of judging grows with the turns of a run, and no faster: counted in calls, which no neighbour disturbs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from histories import history

from statecheck.experiments import BASELINE, CONTROL, REPORTED
from statecheck.judge.verdict import judge
from statecheck.kept.meta import RunMeta
from statecheck.model import Anchor, TargetName

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

META = RunMeta(TargetName("app.py", "app", "fastapi"), Anchor("app.py", 1))


def newest(turn: int, count: int) -> str:
    return " ".join(str(each) for each in range(max(1, turn - count), turn))


def windowed(turn: int) -> str:
    """A turn that is kept, and given the newest few: a loss to explain."""
    return f"""
{turn}a > s
{turn}a memory read #1 {newest(turn, 4)} key=s cls=Memory @app.py:9
{turn}a model read {newest(turn, 4)} {turn} @app.py:12
{turn}a memory write #1 {turn} key=s cls=Memory @app.py:14
{turn}a <
"""


def counted(turn: int) -> str:
    """A turn that counts on in a value of a Context."""
    return f"""
{turn}a > s
{turn}a ctx-store read #1 name=count text={turn - 1} run=r{turn} @app.py:9
{turn}a model read {turn} @app.py:12
{turn}a ctx-store write #1 name=count text={turn} run=r{turn} @app.py:14
{turn}a <
"""


def count_calls(shape: Callable[[int], str], turns: int) -> int:
    """How many functions are called to judge a run whose experiments have this many turns each."""
    text = "".join(map(shape, range(1, turns + 1)))
    histories = {name: history(name, text) for name in (*REPORTED, CONTROL)}
    calls = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    judge(META, {BASELINE: histories[BASELINE]})  # late imports, and what is made once
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        judge(META, histories)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("shape", [windowed, counted])
def test_four_times_the_turns_take_four_times_the_calls(shape: Callable[[int], str]) -> None:
    assert count_calls(shape, 100) < 4.3 * count_calls(shape, 25)
