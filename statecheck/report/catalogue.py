"""What `list` prints: the scenarios and the kinds that each can show; and how `explain` points to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.causes import find_cause
from statecheck.scenarios.bundled import load, names

if TYPE_CHECKING:
    from statecheck.judge.causes import Cause
    from statecheck.scenarios.bundled import Scenario


def render() -> str:
    """Return a line for each scenario, and below it one for each kind that it has a variant of."""
    known = _all()
    words = [word for one in known for word in (one.name, *(variant.kind or "" for variant in one.variants))]
    width = max(map(len, words), default=0)
    rows = []
    for scenario in known:
        rows.append(f"{scenario.name:{width}}  {find_cause(scenario.cause).code}  {scenario.title}")
        rows += [f"  {variant.kind:{width}}        {variant.title}" for variant in scenario.variants]
    return "\n".join([*rows, "", "next: statecheck run NAME, or statecheck run NAME --kind KIND"]) + "\n"


def list_commands(cause: Cause) -> list[str]:
    """Return the commands that reproduce a cause and each of its kinds, where a scenario does."""
    known = [scenario for scenario in _all() if scenario.cause == cause.name]
    own = [f"statecheck run {scenario.name}" for scenario in known if scenario.broken]
    return own + [f"statecheck run {v.name} --kind {v.kind}" for scenario in known for v in scenario.variants]


def list_runnable_kinds(cause: str) -> list[str]:
    """Return the kinds of a cause that a scenario has a variant of."""
    return [v.kind for scenario in _all() if scenario.cause == cause for v in scenario.variants if v.kind]


def _all() -> list[Scenario]:
    return [load(name) for name in names()]
