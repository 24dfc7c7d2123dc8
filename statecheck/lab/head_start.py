"""A head start for `diagnose app.py`: the target's libraries are being imported while our own command line still is.

To import Typer and to read the options takes a tenth of what LlamaIndex takes. So the warm parent that the words will
most likely ask for is started before. It is a guess that is checked: the pipeline takes it only if what it finds out
itself is the very same, and else it is ended unused.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.lab.environment.surroundings import surroundings_of
from statecheck.lab.workers.launch import launch
from statecheck.options import config
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.lab.environment.surroundings import Surroundings
    from statecheck.lab.workers.launch import Launched
    from statecheck.options.config import Options
    from statecheck.target.resolve import Target

_ASKS_FOR_ANOTHER = ("-h", "--help", "--python", "--app-dir", "--env", "--env-file")
"""Options with which the guess would be wrong, or in vain."""


@dataclass
class HeadStart:
    """A target that was resolved, and a warm parent that starts for it."""

    spec: str
    target: Target
    _launched: Launched | None

    def resolved(self, spec: str | None, app_dir: Path | None) -> Target | None:
        """The target, if it is this one that was meant."""
        return self.target if (spec, app_dir) == (self.spec, None) else None

    def take(self, surroundings: Surroundings) -> Launched | None:
        """The warm parent, if it was started in these surroundings: the taker's to stop. Else it is ended."""
        if self._launched is None or self._launched.surroundings != surroundings:
            self.stop()
            return None
        launched, self._launched = self._launched, None
        return launched

    def warm(self, options: Options) -> None:
        """Have the target's libraries imported, which nobody has to wait for."""
        from statecheck.lab.preparation import warm_ahead  # late: the warm parent starts meanwhile

        if self._launched is not None:
            with contextlib.suppress(StatecheckError, OSError):  # told where it is read again
                warm_ahead(self._launched, self.target, options)

    def stop(self) -> None:
        """End what nobody took."""
        if self._launched is not None:
            self._launched.end()
            self._launched.stop()
            self._launched = None


def begin(words: Sequence[str]) -> HeadStart | None:
    """Start what a command line will need; None where that cannot be told, or where it is wrong: that is told later."""
    if len(words) < 2 or words[1].startswith("-") or any(word.partition("=")[0] in _ASKS_FOR_ANOTHER for word in words):
        return None
    spec = words[1]
    try:
        options = config.load(spec)
        target = resolve(spec, Path.cwd(), None)
        surroundings, options = surroundings_of(target, options)
        early = HeadStart(spec, target, launch(surroundings))
    except (StatecheckError, OSError):
        return None
    early.warm(options)
    return early
