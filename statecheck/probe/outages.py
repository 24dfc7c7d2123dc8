"""A provider that is busy: one call of a model fails as its client would tell, once all its own retries are used up."""

from __future__ import annotations

import sys
from typing import Any

from .recorder import RECORDER, TURN

_MARK = "_statecheck_outage"
_BUSY = "Rate limit reached, please try again later"
_CLIENTS = ("openai", "anthropic")  # those of which many other providers' classes are made, too
_PROVIDERS = "llama_index.llms."


class Outage:
    """Fails the next call of a model in a turn, once it was asked to."""

    def __init__(self) -> None:
        self._due = False

    def begin(self) -> None:
        """Fail the next call of a model that is made in a turn."""
        self._due = True

    def strike(self, model: Any) -> None:
        """Record the call's failure and raise it, if one is due.

        Raises:
            Exception: what the client of this model's provider raises where there were too many requests.
        """
        if not self._due or not TURN.get():
            return
        self._due = False
        error = make_error(type(model))
        said = f"{type(error).__name__}: {error}"
        frames = RECORDER.frames(3) or RECORDER.awaiting()
        RECORDER.emit("outage", type="fail", cls=type(model).__name__, error=said, frames=frames)
        raise error


def make_error(cls: type) -> Exception:
    """Make what the client of a model class's provider raises; `TimeoutError` where its client is not known."""
    packages = [base.__module__ for base in cls.__mro__ if base.__module__.startswith(_PROVIDERS)]
    named = next((each for each in _CLIENTS if any(_PROVIDERS + each in name for name in packages)), "")
    try:
        error = _make_busy(sys.modules[named])
    except Exception:  # noqa: BLE001 - another version of the client's, or none: any failure will do
        error = TimeoutError(_BUSY)
    setattr(error, _MARK, True)
    return error


def _make_busy(client: Any) -> Exception:
    http: Any = sys.modules["httpx"]
    answer = http.Response(429, request=http.Request("POST", "https://provider.invalid/v1/chat"))
    error = client.RateLimitError(_BUSY, response=answer, body=None)
    assert isinstance(error, Exception)
    return error


def is_outage(error: BaseException | None) -> bool:
    """Whether this is a failure that was made here: nothing is won by waiting before the next attempt."""
    return hasattr(error, _MARK)


OUTAGE = Outage()
