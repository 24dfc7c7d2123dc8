"""What a step uses of the values that `edit_state` and `get_state` hand it all at once."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from statecheck.probe.recorder import RECORDER
from statecheck.probe.state_usage import Used, find_usage, value_of

if TYPE_CHECKING:
    from pathlib import Path

EDIT = "async with ctx.store.edit_state() as state:"


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("state.language = ev.language; state['tries'] = 1", Used((), ("language", "tries"))),
        ("state['n'] = state.get('n', 0) + 1", Used(("n",), ("n",))),
        ("state.n += 1", Used(("n",), ("n",))),
        ("state.items.append(ev.item)", Used(("items",), ("items",))),
        ("state.n = 1; state.m = state.n", Used((), ("n", "m"))),
        ("state['seen'] = [] if 'seen' not in state else state['seen']", Used(("seen",), ("seen",))),
        ("state.update(n=1)", None),
        ("state[ev.key] = 1", None),
        ("keep(state)", None),
    ],
)
def test_a_block_uses_the_values_that_it_names(body: str, uses: Used | None, tmp_path: Path) -> None:
    assert used_in(tmp_path, f"async def step(ctx, ev):\n    {EDIT}\n        {body}", 2) == uses


@pytest.mark.parametrize(
    ("last", "uses"),
    [
        ("log(state.n)", Used(("language", "n"), ("language", "n"))),
        ("await ctx.store.set_state(state)", None),
    ],
)
def test_what_follows_get_state_uses_its_values_unless_it_gives_them_away(
    last: str, uses: Used | None, tmp_path: Path
) -> None:
    code = f"""\
        async def step(ctx, ev):
            state = await ctx.store.get_state()
            for one in ev.all:
                log(one, state.language)
            {last}
        """
    assert used_in(tmp_path, code, 2) == uses


def test_a_value_is_a_mappings_or_a_models() -> None:
    class State:
        items = (1,)

    assert (value_of({"n": 1}, "n"), value_of({}, "items"), value_of(State(), "items"), value_of(State(), "n")) == (
        1,
        None,
        (1,),
        None,
    )


def used_in(folder: Path, code: str, line: int) -> Used | None:
    (folder / "flow.py").write_text(textwrap.dedent(code))
    before, RECORDER.roots = RECORDER.roots, (str(folder),)
    try:
        return find_usage((("flow.py", line, "step"),))
    finally:
        RECORDER.roots = before
