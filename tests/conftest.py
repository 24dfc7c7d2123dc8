"""What all tests share: hypothesis without a clock, since two cores are shared with real processes; a shell with no
environment activated, since a target would be run by it; any order that is asked for, since none may matter."""

import os
import random

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")

for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
    os.environ.pop(name, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run the tests in a random order, the one of this seed"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seed = config.getoption("shuffle")
    if seed is not None:
        random.Random(seed).shuffle(items)
