"""The end of a turn: what it raised is shown and recorded, and the lab is told that the app's call has returned."""

from __future__ import annotations

import sys
import traceback
from functools import partial
from typing import TYPE_CHECKING

from . import mutations
from .executors import after_work
from .leftovers import tell_when_done
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
    """Tell the lab that the app's call has returned, background tasks and what it handed to pools included."""
    after_work(turn, partial(_tell, channel, turn, error or _raised.pop(turn, None)))


def _tell(channel: Channel, turn: int, raised: BaseException | None, later: BaseException | None) -> None:
    error = raised or later
    mutations.finish(turn)
    if error is not None:
        show(error)  # before the lab is told: it may end this process at once
        RECORDER.emit("error", type="fail", error=f"{type(error).__name__}: {error}"[:500], frames=frames_of(error))
    goes_on = tell_when_done(turn, lambda: channel.send({"settled": turn}))
    channel.send(
        {
            "done": turn,
            "goes-on": goes_on,
            "missing": RECORDER.missing,
            "error": "" if error is None else f"{type(error).__name__}: {error}"[:500],
        }
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
