"""Waiting until a worker serves, and saying why it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statecheck.errors import ExitCode, StatecheckError, more_time
from statecheck.lab.workers.distributions import name_distribution
from statecheck.lab.workers.worker import GARBLED_HINT

if TYPE_CHECKING:
    from statecheck.lab.error_hints import Remedies
    from statecheck.lab.workers.replies import Failure
    from statecheck.lab.workers.worker import Worker
    from statecheck.model import Anchor


_HINTS = {
    "SystemExit": 'an import must not end the process: guard it with `if __name__ == "__main__":`',
    "SyntaxError": "if it is written for another Python, name the app's interpreter with `--python PATH`",
}
"""What helps where a target fails at import or start-up, by the type of its exception."""
_HOW_TO_START = (
    "if it needs a command line, write it into a Procfile (`web: python app.py serve --port 80`); "
    "or name what builds the app: `app.py:create_app()`"
)


START_SECONDS = 60.0
"""How long a worker may take until it serves, unless `--timeout` says otherwise."""


@dataclass(frozen=True)
class Limits:
    """Seconds: until a worker is ready, and until a turn has ended."""

    start: float
    turn: float


def wait_until_ready(worker: Worker, limits: Limits, remedies: Remedies) -> dict[str, Any]:
    """Wait until a worker serves; return what it reports of the app.

    Raises:
        StatecheckError: it failed, died or hung; with the target's own last lines.
    """
    worker.wait_for_start(limits.start)
    if worker.facts is not None:
        return worker.facts
    failed = worker.failed
    detail = worker.last_words() if failed or worker.dead else worker.output()
    if failed and failed.missing:
        module = _name_whole(failed.missing, detail)
        distribution = name_distribution(module)
        install = f"install it there{f' (`pip install {distribution}`)' if distribution else ''}"
        raise StatecheckError(
            "missing-dependency",
            f"the target needs the module `{module}`, which `{failed.python}` does not have",
            f"{install}, or name the app's interpreter with `--python`, or your modules' folder with `--app-dir`",
            ExitCode.INCONCLUSIVE,
            detail,
        )
    if failed and failed.error.startswith("NoApp: "):
        raise StatecheckError(
            "not-driven",
            failed.error.removeprefix("NoApp: "),
            remedies.advise_turn(),
            ExitCode.INCONCLUSIVE,
            detail,
        )
    if failed and failed.error.startswith("ServedNothing: "):
        raise StatecheckError(
            "served-nothing",
            failed.error.removeprefix("ServedNothing: "),
            remedies.of(failed.error) or _HOW_TO_START,
            ExitCode.INCONCLUSIVE,
            detail,
        )
    if failed and failed.refused:
        raise _needs_network(failed, *failed.refused, detail)
    if failed:
        what = "import" if failed.at_import else "start-up"
        raise StatecheckError(
            f"{what}-failed",
            f"the target failed at {what}{f' in `{failed.at}`' if failed.at else ''}: {_one_line(failed.error)}",
            _HINTS.get(failed.error.partition(":")[0]) or remedies.of(failed.error) or "see its own last lines",
            ExitCode.INCONCLUSIVE,
            detail,
        )
    if worker.garbled:
        raise StatecheckError("channel-written", worker.fate, GARBLED_HINT, ExitCode.INCONCLUSIVE, detail)
    if worker.dead:
        raise StatecheckError(
            "start-died",
            "the target ended its own process before it could serve",
            "see its own last lines: an import must not call `os._exit` or kill its process",
            ExitCode.INCONCLUSIVE,
            detail,
        )
    raise StatecheckError(
        "start-hangs",
        f"the target was not ready within {limits.start:g} s: it hangs at import or start-up",
        f"does it wait for a service? give it one with `--env NAME=VALUE`, or more time with {more_time(limits.turn)}",
        ExitCode.INCONCLUSIVE,
        detail,
    )


def _name_whole(missing: str, detail: str) -> str:
    """The module that the app's own line imports: Python names the first part of it that is missing."""
    found = re.findall(rf"^\s*(?:from|import) ({re.escape(missing)}(?:\.\w+)*)", detail, re.MULTILINE)
    return found[-1] if found else missing


def _needs_network(failed: Failure, address: str, line: Anchor, detail: str) -> StatecheckError:
    when = "is imported" if failed.at_import else "starts"
    return StatecheckError(
        "needs-network",
        f"the target needs the network when it {when}: `{line}` asks for {address}, which was blocked "
        f"({failed.error.partition(':')[0]})",
        "make that call in the first request that needs it, or hand over a service here with `--env NAME=URL`",
        ExitCode.INCONCLUSIVE,
        detail,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
