"""What is to be installed for a module that is missing."""

from __future__ import annotations

import pytest

from statecheck.lab.workers.distributions import name_distribution


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("llama_index.vector_stores.chroma", "llama-index-vector-stores-chroma"),
        ("dotenv", "python-dotenv"),
        ("sklearn.cluster", "scikit-learn"),
        ("google.generativeai.types", "google-generativeai"),
        ("pkg_resources", "'setuptools<81'"),
        ("llama_index", ""),
        ("utils", ""),
        ("google", ""),
    ],
)
def test_a_distribution_is_named_where_the_module_does_not_tell_it(module: str, distribution: str) -> None:
    assert name_distribution(module) == distribution
