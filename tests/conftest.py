"""What all tests share: hypothesis without a clock, since two cores are shared with real processes; a shell with no
environment activated, since a target would be run by it."""

import os

from hypothesis import settings

settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")

for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
    os.environ.pop(name, None)
