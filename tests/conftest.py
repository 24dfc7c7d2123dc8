"""What all tests share: hypothesis without a clock, since two cores are shared with real processes."""

from hypothesis import settings

settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")
