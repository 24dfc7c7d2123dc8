"""Work that is handed to a pool of threads belongs to the turn that hands it on: a pool carries no context variables.

Only statecheck's own are carried: an app whose own context variables are lost there loses them here too. And the turn
lasts as long as that work, where its answer does not wait for it (a `202 Accepted`): else the next turn comes before or
after its end as luck has it.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from .model_calls import INSIDE
from .recorder import CALLER, TOOL, TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from contextvars import ContextVar

    End = Callable[[BaseException | None], None]

_CARRIED: tuple[ContextVar[Any], ...] = (TURN, CALLER, TOOL, INSIDE)
_LONGEST = 5.0
"""Seconds for which a turn whose answer is given is held open: what works longer may be work without an end."""
_lock = threading.Lock()
_under_way: dict[int, int] = {}
"""How much of the work of each turn has not ended."""
_waiting: dict[int, End] = {}
"""What ends each turn whose call has returned before its work has."""


def install() -> None:
    """Start carrying, in this process."""
    submit: Any = ThreadPoolExecutor.submit

    @functools.wraps(submit)
    def carrying(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        turn = TURN.get()
        if not turn:
            return submit(self, _carry_context(fn) if INSIDE.get() else fn, *args, **kwargs)
        with _lock:
            _under_way[turn] = _under_way.get(turn, 0) + 1
        try:
            future = submit(self, _carry_context(fn), *args, **kwargs)
        except BaseException:
            _end_work(turn, None)
            raise
        future.add_done_callback(functools.partial(_end_future, turn))
        return future

    ThreadPoolExecutor.submit = carrying  # type: ignore[method-assign, assignment]


def after_work(turn: int, end: End) -> None:
    """End a turn whose call has returned: now, or when what it has handed to pools has ended.

    Args:
        end: is given what that work raised at last, and nobody waited for; it runs in the context of this call.
    """
    context = contextvars.copy_context()

    def end_in_context(error: BaseException | None) -> None:
        context.run(end, error)

    with _lock:
        waits = bool(_under_way.get(turn))
        if waits:
            _waiting[turn] = end_in_context
    if not waits:
        end(None)
        return
    timer = threading.Timer(_LONGEST, _give_up, (turn,))
    timer.daemon = True
    timer.start()


def _end_future(turn: int, future: Future[Any]) -> None:
    _end_work(turn, None if future.cancelled() else future.exception())


def _end_work(turn: int, error: BaseException | None) -> None:
    with _lock:
        left = _under_way[turn] = _under_way[turn] - 1
        end = _waiting.pop(turn, None) if not left else None
        if not left:
            del _under_way[turn]
    if end is not None:
        end(error)


def _give_up(turn: int) -> None:
    with _lock:
        end = _waiting.pop(turn, None)
    if end is not None:
        end(None)


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
