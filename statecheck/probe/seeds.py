"""Seeds of its own for `hash()` and NumPy in each worker: a new process has some, a fork has its parent's."""

from __future__ import annotations

import builtins
import os
import random
import sys
from datetime import date, time
from typing import Any

from .recorder import RECORDER

_hash = builtins.hash
_SEEDED = (str, bytes, date, time)  # what an interpreter's seed changes the hashes of, and what consists of them


def _is_seeded(thing: Any) -> bool:
    parts = thing if isinstance(thing, (tuple, frozenset)) else ()
    return isinstance(thing, _SEEDED) or any(map(_is_seeded, parts))


def forget_draws() -> None:
    """Let NumPy draw what another process would not: of all that a fork shares, `random` alone is seeded anew."""
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


def reseed() -> None:
    """Let the user's own calls of `hash()` return what another process would not, unless the seed is set for all.

    Their `__hash__` methods, and libraries, go on as they were: texts that are keys already keep their hashes.
    """
    if os.environ.get("PYTHONHASHSEED", "random").isdigit():
        return
    seed = random.SystemRandom().getrandbits(61)

    def seeded(thing: Any, /) -> int:
        value = _hash(thing)
        caller = sys._getframe(1).f_code  # noqa: SLF001 - it has no other name
        if not _is_seeded(thing) or caller.co_name == "__hash__" or not RECORDER.relative(caller.co_filename):
            return value
        return _hash((seed, value))

    builtins.hash = seeded
