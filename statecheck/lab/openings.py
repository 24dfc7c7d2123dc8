"""Sessions that are opened at once: ids that are counted, or read from the clock, are then made twice."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from statecheck.lab.client import take_turn
from statecheck.lab.overlap import send_at_once
from statecheck.talk.session_openings import only_open, opens_by_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statecheck.lab.client import Client
    from statecheck.lab.setting import Setting
    from statecheck.lab.workers.worker import Worker
    from statecheck.steps import Open


def open_at_once(
    step: Open, workers: Mapping[str, Worker], client_of: Callable[[int], Client], setting: Setting, quiet: float
) -> None:
    """Let the clients of some sessions open them at once; nothing where no request of its own does that.

    They are held at the model and before what they write, as turns that overlap are. Whoever is refused, or is not
    answered, opens its session again with its first turn.

    Args:
        step: which sessions, and at which worker.
        workers: those of the experiment, by name.
        client_of: gives the client of a session.
        quiet: for how many seconds nothing new happens before what is held is let go.
    """
    if not opens_by_request(setting.plan):
        return
    worker, seconds, plan = workers[step.worker], setting.limits.turn, only_open(setting.plan)
    clients = [client_of(session) for session in step.sessions]
    try:
        send_at_once(
            [partial(take_turn, worker, plan, each, "", seconds) for each in clients],
            [worker],
            setting.hold,
            quiet,
            seconds,
        )
    except BaseException:
        setting.lab.abort()
        raise
    for each in clients:
        each.said.clear()
