"""Finds out by trying how a client talks: the first plan whose marker reaches the model or recorded state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.lab.client import Answer, Markers, take_turn
from statecheck.plan import Plan, describe

if TYPE_CHECKING:
    from statecheck.lab.readiness import Limits
    from statecheck.lab.workers import Worker

_SERVER_ERROR = 500  # the app took the turn, asked its model and broke then: that is for the checks to judge
_ARRIVED = ("model", "memory", "chat-store", "ctx-store", "engine", "run", "wire", "block")


@dataclass(frozen=True, slots=True)
class Scouted:
    """How to talk to the target, and where overlapping turns can be held.

    Attributes:
        plan: the one that was confirmed, or the first that was accepted.
        hold: `model` if a turn calls one, else `reads`.
    """

    plan: Plan
    hold: str


def scout(worker: Worker, plans: tuple[Plan, ...], markers: Markers, limits: Limits) -> Scouted:
    """Send a turn of a throw-away session by each plan until one is confirmed.

    Raises:
        StatecheckError: no plan was accepted, or the worker died or hung; with what was tried.
    """
    accepted: Plan | None = None
    tried: list[tuple[Plan, Answer]] = []
    for plan in plans:
        marker = markers.marker()
        answer = take_turn(worker, plan, markers.client(plan), marker, limits.turn)
        tried.append((plan, answer))
        if worker.dead or answer.status == 0:
            break
        reached = {op.f for op in worker.ops() if marker in op.markers}
        if not answer.acknowledged and (answer.status < _SERVER_ERROR or "model" not in reached):
            continue
        if reached & set(_ARRIVED):
            confirmed = replace(plan, why=(*plan.why, "confirmed: what was sent there reached the model or its memory"))
            return Scouted(confirmed, "model" if "model" in reached else "reads")
        accepted = accepted or plan
    if accepted is not None:
        return Scouted(accepted, "reads")
    raise _refused(worker, tried, limits)


_BY_STATUS = {
    401: "give credentials with `--header 'Authorization: Bearer …'`",
    403: "give credentials with `--header 'Authorization: Bearer …'`",
    402: "give credentials with `--header 'Authorization: Bearer …'`",
    429: "it limits how often it may be asked: lift the limit for the run with `--env NAME=VALUE`",
    404: "name another endpoint with `--endpoint 'POST /path'`",
    405: "name the method too, with `--endpoint 'POST /path'`",
    400: "name the fields with `--message-field` and `--session-field`, or give a template in [tool.statecheck]",
    422: "name the fields with `--message-field` and `--session-field`, or give a template in [tool.statecheck]",
}


def _refused(worker: Worker, tried: list[tuple[Plan, Answer]], limits: Limits) -> StatecheckError:
    plan, answer = tried[-1]
    asked = describe(plan)
    if worker.dead:
        return StatecheckError(
            "worker-died",
            f"the target's process died while it answered ({asked})",
            "look at its own last lines; a request must not end the process",
            ExitCode.INCONCLUSIVE,
            worker.output(),
        )
    if answer.status == 0:
        return StatecheckError(
            "turn-hangs" if "within" in answer.error else "no-answer",
            f"no answer within {limits.turn:g} s ({asked})"
            if "within" in answer.error
            else f"{answer.error} ({asked})",
            "give it what it waits for with `--env NAME=VALUE`, or more time with `--timeout`",
            ExitCode.INCONCLUSIVE,
            worker.output(),
        )
    failed = next((a.error for _, a in tried if a.error), "") or next(filter(None, worker.done.values()), "")
    body = " ".join((failed or answer.text).split())[:200].rstrip(": ")
    if plan.kind == "callable":
        said = f"the target raised an exception ({asked})"
    else:
        said = "the target answered " + ", ".join(f"{a.status} to {describe(p)}" for p, a in tried[:3])
    hint = _BY_STATUS.get(tried[0][1].status, "look at its own last lines; set what it needs with `--env NAME=VALUE`")
    if "Read-only file system" in failed:
        hint = "statecheck lets nothing be made where it can lay no layer: make that folder first, or name another"
    return StatecheckError(
        "turn-refused",
        f"{said}{': ' + body if body else ''}",
        hint,
        ExitCode.INCONCLUSIVE,
        worker.output(),
    )
