"""A sample of the planted causes: one app for each cause, and a clean twin. `benchmarks/planted.py` runs them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generator.apps import PROJECT, App, apps
from generator.kinds import MUTATIONS
from labs import User, diagnosed_in_turn

from statecheck.judge.causes import CAUSES
from statecheck.options.config import load

if TYPE_CHECKING:
    from pathlib import Path

APPS = {app.name: app for app in apps()}
SAMPLE = (
    ("callable-rows-llm", "new-key"),
    ("flask-files-buffer", "load-model-save"),
    ("coroutine-database-context", "never-loaded"),
    ("fastapi-uri-db-engine", "no-database"),
    ("quart-rows-cart", "cache-in-front"),
    ("callable-files-llm", "off-the-volume"),
)
QUICK = ("new-key", "no-database")
OF_A_LIBRARY = """dropped-memory refused-write silent-loss cold-start several-threads library-store
    pickled doubles merges drops-ttl poisons refused-but-stored"""
OF_OTHER_APPS = """never-persisted worker-recycle paused-run approved-twice long-cookie never-resumed resumed-twice
    not-renewed failed-turn other-tenant own-disk"""
"""Kinds that are not planted: they depend on the versions that are installed, or need other apps than these."""


def mutants() -> list[tuple[App, str, str]]:
    """Every app with every mutation that it has a place for: (app, mutation, source)."""
    made = [(app, m.name, m.apply(app.source, app.store, app.style)) for app in APPS.values() for m in MUTATIONS]
    return [(app, name, source) for app, name, source in made if source is not None]


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def found(user: User, app: App, source: str) -> tuple[str, dict[str, str | None]]:
    """The verdict, and the kinds of the causes that are errors, the primary one first."""
    (user.project / "app.py").write_text(source)
    (user.project / "pyproject.toml").write_text(PROJECT)
    diagnosis = diagnosed_in_turn(user, app.target, load(app.target, user.project)).diagnosis
    return diagnosis.verdict, {f.name: f.kind for f in diagnosis.causes if f.severity == "error"}


@pytest.mark.parametrize(
    ("name", "mutation"),
    [pytest.param(*one, id=one[1], marks=[] if one[1] in QUICK else pytest.mark.acceptance) for one in SAMPLE],
)
def test_a_planted_cause_is_found(name: str, mutation: str, user: User) -> None:
    app, _, source = next(one for one in mutants() if (one[0].name, one[1]) == (name, mutation))
    wanted = next(m for m in MUTATIONS if m.name == mutation and m.apply(app.source, app.store, app.style))
    _, causes = found(user, app, source)

    assert set(wanted.must) <= set(causes) <= {*wanted.must, *wanted.may}
    assert next(iter(causes)) == wanted.must[0]
    assert not wanted.kind or causes[wanted.must[0]] == wanted.kind


@pytest.mark.acceptance
def test_its_clean_twin_is_healthy(user: User) -> None:
    app = APPS["callable-rows-llm"]

    assert found(user, app, app.source) == ("healthy", {})


def test_every_kind_is_planted_or_has_a_reason_not_to_be() -> None:
    kinds = {kind for cause in CAUSES for kind in cause.kinds if kind not in cause.told}
    made = {kind for mutation in MUTATIONS for kind in (mutation.kind, mutation.warning) if kind}

    assert kinds - made == {*OF_A_LIBRARY.split(), *OF_OTHER_APPS.split()}
    assert made <= kinds


def test_every_mutation_has_a_place_in_some_app_and_is_python() -> None:
    made = mutants()
    for _, _, source in made:
        compile(source, "app.py", "exec")

    assert {name for _, name, _ in made} == {mutation.name for mutation in MUTATIONS}
    assert len(made) >= 150
