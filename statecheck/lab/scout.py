"""Finds out by trying how a client talks: the message reaches the model, and the session changes what is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from statecheck.checks.reading import remembered_by, turns
from statecheck.errors import ExitCode, StatecheckError
from statecheck.lab.driver import Driver, Setting
from statecheck.plan import Plan, describe

if TYPE_CHECKING:
    from statecheck.lab.client import Answer
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


class Shown(IntEnum):
    """What the turns that were sent by a plan have shown of it, each more than the one before."""

    REFUSED = 0
    ACCEPTED = 1
    ARRIVED = 2
    REMEMBERED = 3
    KEYED = 4


@dataclass(frozen=True)
class _Trial:
    """A plan that was tried.

    Attributes:
        answer: to its first turn.
        reached: what was seen to be given that turn's marker.
    """

    plan: Plan
    answer: Answer
    reached: frozenset[str]
    shown: Shown

    def scouted(self, why: str) -> Scouted:
        plan = replace(self.plan, why=(*self.plan.why, why)) if why else self.plan
        return Scouted(plan, "model" if "model" in self.reached else "reads")


@dataclass
class Scout:
    """Tries plans at a worker of its own, each with sessions of its own.

    Attributes:
        setting: what the experiments will share; its plan is not looked at.
    """

    setting: Setting
    worker: Worker
    tried: list[_Trial] = field(default_factory=list)

    def choose(self, plans: tuple[Plan, ...]) -> Scouted:
        """Send turns of throw-away sessions by each plan until one is confirmed.

        Raises:
            StatecheckError: no plan was accepted, or the worker died or hung; with what was tried.
        """
        best: _Trial | None = None
        for plan in plans:
            unseen = [trial.plan for trial in self.tried if trial.shown == Shown.ACCEPTED]
            if any(_rivals(plan, other) for other in unseen) or (best is not None and not _rivals(plan, best.plan)):
                continue
            rivals = [other for other in plans if other is not plan and _rivals(other, plan)]
            trial = self._try(plan, keyed=best is not None or bool(rivals))
            if self.worker.dead or trial.answer.status == 0:
                break
            if trial.shown == Shown.KEYED:
                return trial.scouted("confirmed: changed alone, it changes what the app remembers")
            if best is None and trial.shown >= Shown.ARRIVED:
                best = trial
        if best is not None:
            return best.scouted("confirmed: what was sent there reached the model or its memory")
        accepted = next((trial for trial in self.tried if trial.shown == Shown.ACCEPTED), None)
        if accepted is not None and accepted.plan.doubt != "message":
            return accepted.scouted("")
        if accepted is not None:
            raise _unclear([trial.plan for trial in self.tried])
        raise _refused(self.worker, [(trial.plan, trial.answer) for trial in self.tried], self.setting.limits)

    def _try(self, plan: Plan, *, keyed: bool) -> _Trial:
        driver = Driver(replace(self.setting, plan=plan), f"scout-{len(self.tried)}", workers={"a": self.worker})
        answer = driver.take("a")
        seen = [*self.worker.ops(), *self.setting.lab.passed()]
        reached = frozenset(op.f for op in seen if driver.sent[0] in op.markers)
        gives = not plan.given or driver.clients[1].given is not None
        broke = answer.status >= _SERVER_ERROR and "model" in reached
        shown = Shown.ACCEPTED if answer.acknowledged and gives else Shown.REFUSED
        if (shown or broke) and reached.intersection(_ARRIVED):
            shown = Shown.ARRIVED
        if shown == Shown.ARRIVED and answer.acknowledged and keyed and not plan.carries_history:
            shown = _remembered(driver)
        self.tried.append(_Trial(plan, answer, reached, shown))
        return self.tried[-1]


def _rivals(plan: Plan, other: Plan) -> bool:
    """Whether a plan is another guess about the endpoint of another."""
    return plan.doubt == "session" and plan.handler == other.handler and plan.message_field == other.message_field


def _remembered(driver: Driver) -> Shown:
    """Whether a session is given its first turn when it comes again, and another session is not."""
    driver.take("a", session=2)
    driver.take("a")
    history = driver.history()
    first, other, again = turns(history)
    if remembered_by(history, again, first.marker) is None:
        return Shown.ARRIVED
    return Shown.KEYED if remembered_by(history, other, first.marker) is None else Shown.REMEMBERED


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


def _unclear(tried: list[Plan]) -> StatecheckError:
    names = ", ".join(f"`{plan.message_field}`" for plan in tried)
    first = tried[0]
    return StatecheckError(
        "no-message-field",
        f"`{first.method} {first.path}` was tried with the message in {names}, and none was seen to reach a model",
        f"name it: `--message-field {first.message_field.rpartition(' ')[2]}`",
        ExitCode.INCONCLUSIVE,
    )


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
    refused = [op for op in worker.ops() if op.f == "blocked" and op.turn and op.frames and not op.note]
    if refused:
        asks = f"`{refused[-1].frames[0].path}:{refused[-1].frames[0].line}` asks for {refused[-1].where}"
        return StatecheckError(
            "turn-needs-network",
            f"{said}: {asks}, which was blocked",
            "hand over a service here with `--env NAME=URL`",
            ExitCode.INCONCLUSIVE,
            worker.output(),
        )
    if "Read-only file system" in failed:
        hint = "statecheck lets nothing be made where it can lay no layer: make that folder first, or name another"
    return StatecheckError(
        "turn-refused",
        f"{said}{': ' + body if body else ''}",
        hint,
        ExitCode.INCONCLUSIVE,
        worker.output(),
    )
