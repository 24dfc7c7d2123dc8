"""Each kind of knowledge stands in one place: read from the syntax trees of the whole package."""

from __future__ import annotations

import ast
from pathlib import Path

from statecheck.experiments import EXPERIMENTS

PACKAGE = Path(__file__).resolve().parents[2] / "statecheck"
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes())
    for path in sorted(PACKAGE.rglob("*.py"))
    if "_scenarios" not in path.parts
}


def literals(words: set[str]) -> set[tuple[str, str]]:
    """Return (file, word) of each string of the package that is one of these words, and no docstring."""
    return {
        (name, node.value)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words
    }


# The same words with another meaning.
NO_EXPERIMENTS = {
    ("judge/causes/broken_store.py", "cold-start"): "a kind of the cause",
    ("judge/causes/request_scoped.py", "stream-cut"): "a kind of the cause",
    ("doctor/environment.py", "cold-start"): "a check of the library",
    ("probe/checkup.py", "cold-start"): "the same, in the target's environment",
}


def test_no_experiment_is_named_outside_its_place() -> None:
    named = literals({experiment.name for experiment in EXPERIMENTS})

    assert {file for file, _ in named - NO_EXPERIMENTS.keys()} == {"experiments.py"}
    assert NO_EXPERIMENTS.keys() <= named
