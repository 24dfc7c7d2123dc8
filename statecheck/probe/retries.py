"""Retries of what cannot be reached, or was made to fail: at once, since waiting for it changes nothing."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from .offline import is_offline
from .outages import is_outage

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _patch(module: ModuleType) -> None:
    """Patch tenacity, by which LlamaIndex's packages and many SDKs try again; its asynchronous class decides itself."""
    for retrying in (module.BaseRetrying, module.AsyncRetrying):
        original = vars(retrying).get("_run_wait")
        if inspect.iscoroutinefunction(original):
            retrying._run_wait = _await_retry(original)  # noqa: SLF001 - where it decides how long to wait
        elif original is not None:
            retrying._run_wait = _retry_at_once(original)  # noqa: SLF001 - as above


def _retry_at_once(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def _run_wait(self: Any, retry_state: Any) -> None:
        original(self, retry_state)
        _hurry(retry_state)

    return _run_wait


def _await_retry(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def _run_wait(self: Any, retry_state: Any) -> None:
        await original(self, retry_state)
        _hurry(retry_state)

    return _run_wait


def _hurry(retry_state: Any) -> None:
    outcome = retry_state.outcome
    if outcome is not None and outcome.failed and _is_vain(outcome.exception()):
        retry_state.upcoming_sleep = 0.0


def _is_vain(error: BaseException) -> bool:
    return is_offline(error) or is_outage(error)


def _patch_google(module: ModuleType) -> None:
    """Patch the classes by which Google's clients try again for minutes: they ask a predicate whether to."""
    for name in ("Retry", "AsyncRetry", "StreamingRetry", "AsyncStreamingRetry"):
        if (retry := getattr(module, name, None)) is not None:
            retry.__init__ = _give_up(retry.__init__)


def _give_up(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it is set as one
        original(self, *args, **kwargs)
        asked = self._predicate
        self._predicate = lambda error: asked(error) and not is_offline(error)

    return __init__


_SELECTION_SECONDS = 2  # a server on this machine is found in milliseconds


def _patch_mongo(module: ModuleType) -> None:
    """Let pymongo say soon that there is no server: it looks for one for as long as a turn may take."""
    module.SERVER_SELECTION_TIMEOUT = _SELECTION_SECONDS  # type: ignore[attr-defined]  # for clients that name no time


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "tenacity": _patch,
    "pymongo.common": _patch_mongo,
    "google.api_core.retry": _patch_google,
    "google.api_core.retry_async": _patch_google,
}
"""What to run after each of these modules has been executed."""
