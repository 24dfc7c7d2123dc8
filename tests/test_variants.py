"""The variants of the scenarios: one for each kind of each cause. `make variants` runs them all; here runs a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck import scenarios
from statecheck.causes import CAUSES
from statecheck.causes.messages import MESSAGES
from statecheck.config import Options
from statecheck.running import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SAMPLE = (("session-key", "shared-key"),)
VARIANTS = scenarios.select((), (scenarios.ALL_KINDS,))


def test_every_kind_that_a_judge_can_give_has_one_variant() -> None:
    kinds = [(cause.name, kind) for cause in CAUSES for kind in cause.kinds if kind not in cause.told]

    assert sorted((variant.cause, variant.kind or "") for variant in VARIANTS) == sorted(kinds)


def test_every_app_exists_and_says_how_to_start_it() -> None:
    for variant in VARIANTS:
        for app in (*variant.broken, *variant.fixed):
            text = app.path.read_text("utf-8")
            assert f"uvicorn {app.path.stem}:app" in text or f"celery -A {app.path.stem} worker" in text


def test_a_kind_that_is_only_told_of_is_told_by_some_message() -> None:
    told = {(cause.code, kind) for cause in CAUSES for kind in cause.told}

    assert told <= {(message.cause, message.kind) for message in MESSAGES}


def test_a_sample_gets_its_kinds_and_the_twins_get_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = [variant for name, kind in SAMPLE for variant in scenarios.select([name], [kind])]
    results = run(chosen, Options(seed=1), lambda _: None)

    assert [(result.name, result.kind, result.failures) for result in results] == [(*one, ()) for one in SAMPLE]
