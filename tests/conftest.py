"""What all tests share: hypothesis without a clock, since two cores are shared with real processes; a shell with no
environment activated, since a target would be run by it; any order that is asked for, since none may matter; no search
for garbage among what pytest has collected."""

import gc
import os
import random
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=1000)  # `make acceptance` asks for it
settings.load_profile("suite")

for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
    os.environ.pop(name, None)


# What is imported and collected stays to the end: to look through it for garbage, again and again while there comes to
# be more of it and then in each test, takes a third of the time that collecting takes.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run the tests in a random order, the one of this seed"
    )


# The files with the longest tests come first: one that was begun last would be waited for alone.
LONGEST = tuple(
    map(Path(__file__).parent.joinpath, ("test_install.py", "probe/test_models.py", "test_distributions.py"))
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path not in LONGEST)
    seed = config.getoption("shuffle")
    if seed is not None:
        random.Random(seed).shuffle(items)
