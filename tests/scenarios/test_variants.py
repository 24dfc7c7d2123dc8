"""The variants of the scenarios: one for each kind of each cause. `make variants` runs them all; here runs a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.judge.causes import CAUSES
from statecheck.judge.error_messages import MESSAGES
from statecheck.options.config import Options
from statecheck.scenarios import bundled
from statecheck.scenarios.runs import run

if TYPE_CHECKING:
    from statecheck.model import ScenarioResult

SAMPLE = (
    ("request-scoped", "stream-cut"),
    ("multi-worker", "own-secret"),
    ("broken-store", "cold-start"),
)
VARIANTS = bundled.select((), (bundled.ALL_KINDS,))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str | None], ScenarioResult]:
    """The sample, run at once: what serves one app serves the next."""
    chosen = [variant for variant in VARIANTS if (variant.name, variant.kind) in SAMPLE]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("kept"))
        return {(result.name, result.kind): result for result in run(chosen, Options(seed=1), lambda _: None)}


@pytest.mark.parametrize("name", SAMPLE, ids="-".join)
def test_a_broken_app_gets_its_kind_and_its_twin_nothing(
    name: tuple[str, str], results: dict[tuple[str, str | None], ScenarioResult]
) -> None:
    assert results[name].failures == ()
    assert results[name].passed


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
