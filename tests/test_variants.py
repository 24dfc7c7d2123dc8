"""The variants of the scenarios: one for each kind of each cause. `make variants` runs them all; here runs a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck import scenarios
from statecheck.causes import CAUSES
from statecheck.config import Options
from statecheck.running import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SAMPLE = (("session-key", "shared-key"),)
VARIANTS = scenarios.select((), (scenarios.ALL_KINDS,))


def test_a_variant_shows_a_kind_of_its_cause() -> None:
    kinds = [(cause.name, kind) for cause in CAUSES for kind in cause.kinds]

    assert {(variant.cause, variant.kind) for variant in VARIANTS} <= set(kinds)


def test_a_sample_gets_its_kinds_and_the_twins_get_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = [variant for name, kind in SAMPLE for variant in scenarios.select([name], [kind])]
    results = run(chosen, Options(seed=1), lambda _: None)

    assert [(result.name, result.kind, result.failures) for result in results] == [(*one, ()) for one in SAMPLE]
