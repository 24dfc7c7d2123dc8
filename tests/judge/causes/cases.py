"""Runs to ask the causes about, made of hand-written histories; a sound baseline where none is given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from histories import history

from statecheck.judge.checks import outcomes
from statecheck.judge.conversation import read_conversations
from statecheck.judge.evidence.case import Case
from statecheck.judge.findings import find_causes
from statecheck.kept.meta import RunMeta
from statecheck.model import Anchor, Finding, TargetName

if TYPE_CHECKING:
    from statecheck.history import History

HANDLER = Anchor("app.py", 1)
VERSIONS = {"llama-index-core": "0.14.25", "pydantic": "2.14.3"}


def case(*histories: History) -> Case:
    """A run with these histories, judged by the checks."""
    known = read_conversations({one.experiment: one for one in histories})
    channel, found = outcomes(known)
    return Case(known, found, channel, RunMeta(TargetName("app.py", "app", ""), HANDLER, versions=VERSIONS))


def findings(*histories: History, **versions: str) -> tuple[Finding, ...]:
    """What is found in a run, with these versions of packages beside those that all runs have."""
    told = case(*histories)
    return find_causes(replace(told, app=replace(told.app, versions={**VERSIONS, **versions})))


def codes(*histories: History) -> list[str]:
    """What is found in a run, as `SC106 new-key`, the primary one first and warnings in brackets."""
    named = [(f"{one.code} {one.kind or ''}".rstrip(), one.severity) for one in findings(*histories)]
    return [name if severity == "error" else f"({name})" for name, severity in named]


def table(**rows: tuple[object, ...]) -> pytest.MarkDecorator:
    """A row for each name: the histories' text or texts, and what is found in them."""
    return pytest.mark.parametrize(("given", "expected"), [pytest.param(*row, id=name) for name, row in rows.items()])


def run(**texts: str) -> tuple[History, ...]:
    """A run of several experiments, by their names with `_` for `-`."""
    return tuple(history(name.replace("_", "-"), text) for name, text in texts.items())
