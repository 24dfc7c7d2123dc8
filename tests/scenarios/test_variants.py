"""The variants of the scenarios: one for each kind of each cause. `make variants` runs all, acceptance a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.judge.causes import CAUSES
from statecheck.judge.error_messages import MESSAGES
from statecheck.options.config import Options
from statecheck.scenarios import bundled
from statecheck.scenarios.runs import run

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = (("multi-worker", "own-secret"),)
VARIANTS = bundled.select((), (bundled.ALL_KINDS,))


@pytest.mark.acceptance
def test_broken_apps_get_their_kinds_and_their_twins_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample, run at once: what serves one app serves the next."""
    monkeypatch.chdir(tmp_path)
    chosen = [variant for variant in VARIANTS if (variant.name, variant.kind) in SAMPLE]
    results = list(run(chosen, Options(seed=1), lambda _: None))

    assert {(result.name, result.kind): result.failures for result in results} == dict.fromkeys(SAMPLE, ())
    assert all(result.passed for result in results)


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
