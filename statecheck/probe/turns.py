"""The end of a turn: what it raised is shown and recorded, and the lab is told that the app's call has returned."""

from __future__ import annotations

import contextvars
import sys
import traceback
from typing import TYPE_CHECKING

from . import leftovers, mutations
from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from .channel import Channel
    from .ops import Frames

_raised: dict[int, BaseException] = {}  # by turn, until it ends


def note(error: BaseException | None) -> None:
    """Keep what the app raised in this turn, where its framework makes an answer of it and lets nothing through."""
    if error is not None:
        _raised[TURN.get()] = error


def finish_turn(channel: Channel, turn: int, error: BaseException | None) -> None:
    """Tell the lab that the app's call has returned, background tasks included, and then when the rest of it has.

    What a thread beside it raised is recorded, and is not the call's: whether it came before is a matter of luck.
    """
    error = error or _raised.pop(turn, None)
    mutations.finish(turn)
    _record(error)
    _record(leftovers.take_failed(turn))
    context = contextvars.copy_context()

    def settle(later: BaseException | None) -> None:
        context.run(_record, later)
        channel.send({"settled": turn})

    goes_on = leftovers.tell_when_done(turn, settle)
    channel.send(
        {
            "done": turn,
            "goes-on": goes_on,
            "missing": RECORDER.missing,
            "error": "" if error is None else f"{type(error).__name__}: {error}"[:500],
        }
    )


def _record(error: BaseException | None) -> None:
    if error is not None:
        show(error)  # before the lab is told: it may end this process at once
        RECORDER.emit("error", type="fail", error=f"{type(error).__name__}: {error}"[:500], frames=frames_of(error))


def record_end(error: BaseException, name: str) -> None:
    """Record what ended a thread or a task of this name that the app had begun outside of turns."""
    frames = frames_of(error)
    if frames and not TURN.get():
        RECORDER.emit(
            "error", type="fail", error=f"{type(error).__name__}: {error}"[:500], frames=frames, method=name or "task"
        )


def frames_of(error: BaseException) -> Frames:
    """Return the user's frames in which an error arose, innermost first."""
    summary = [f for f in traceback.extract_tb(error.__traceback__) if RECORDER.relative(f.filename)]
    return tuple((RECORDER.relative(f.filename), f.lineno or 0, f.name) for f in reversed(summary))


def show(error: BaseException) -> None:
    """Print a traceback that begins in the user's code: how statecheck imports and serves it is of no interest."""
    start = error.__traceback__
    while start is not None and not RECORDER.relative(start.tb_frame.f_code.co_filename):
        start = start.tb_next
    if start is not None or type(error).__name__ != "NoApp":
        traceback.print_exception(type(error), error, start)
    sys.stderr.flush()
