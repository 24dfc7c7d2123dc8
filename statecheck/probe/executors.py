"""Work that is handed to a pool of threads belongs to the turn that hands it on: a pool carries no context variables.

Only statecheck's own are carried: an app whose own context variables are lost there loses them here too.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from . import leftovers
from .model_calls import INSIDE
from .recorder import CALLER, TOOL, TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar

_CARRIED: tuple[ContextVar[Any], ...] = (TURN, CALLER, TOOL, INSIDE)


def install() -> None:
    """Start carrying, in this process."""
    submit: Any = ThreadPoolExecutor.submit

    @functools.wraps(submit)
    def carrying(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        turn = TURN.get()
        if not turn:
            return submit(self, _carry_context(fn) if INSIDE.get() else fn, *args, **kwargs)
        leftovers.begin(turn)
        try:
            future = submit(self, _carry_context(fn), *args, **kwargs)
        except BaseException:
            leftovers.end(turn)
            raise
        future.add_done_callback(functools.partial(leftovers.end_future, turn))
        return future

    ThreadPoolExecutor.submit = carrying  # type: ignore[method-assign, assignment]


def _carry_context(fn: Callable[..., Any]) -> Callable[..., Any]:
    values = [(variable, variable.get()) for variable in _CARRIED]

    def work(*args: Any, **kwargs: Any) -> Any:
        tokens = [(variable, variable.set(value)) for variable, value in values]
        try:
            return fn(*args, **kwargs)
        finally:
            for variable, token in tokens:
                variable.reset(token)

    return work
