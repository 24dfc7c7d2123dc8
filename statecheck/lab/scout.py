"""Finds out by trying how a client talks: the message reaches the model, and the session changes what is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from statecheck.judge.conversation import Conversation
from statecheck.judge.evidence.intent import is_intended
from statecheck.lab.driver import Driver
from statecheck.lab.refusals import describe_refusal, describe_unclear
from statecheck.steps import Locate, Take
from statecheck.talk.session_openings import open_apart, speaks_first

if TYPE_CHECKING:
    from statecheck.lab.client import Answer
    from statecheck.lab.setting import Setting
    from statecheck.lab.workers.worker import Worker
    from statecheck.talk.plan import Plan

_SERVER_ERROR = 500  # the app took the turn, asked its model and broke then: that is for the checks to judge
_MOST_ELSEWHERE = 3
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
            trial = self._try_openings(plan, keyed=best is not None or bool(rivals))
            if self.worker.dead or trial.answer.status == 0:
                break
            if trial.shown == Shown.KEYED:
                trial = self._answer(trial)
                return trial.scouted("confirmed: changed alone, it changes what the app remembers")
            if best is None and trial.shown >= Shown.ARRIVED:
                best = trial
        if best is not None:
            best = self._answer(self._look_elsewhere(best, plans))
            return best.scouted("confirmed: what was sent there reached the model or its memory")
        accepted = next((trial for trial in self.tried if trial.shown == Shown.ACCEPTED), None)
        if accepted is not None and accepted.plan.doubt != "message":
            return accepted.scouted("")
        if accepted is not None:
            raise describe_unclear([trial.plan for trial in self.tried])
        tried = [(trial.plan, trial.answer) for trial in self.tried]
        raise describe_refusal(self.worker, tried, self.setting.limits, self.setting.remedies)

    def _try(self, plan: Plan, *, keyed: bool) -> _Trial:
        driver = Driver(replace(self.setting, plan=plan), f"scout-{len(self.tried)}", workers={"a": self.worker})
        answer = driver.take("a")
        seen = [*self.worker.ops(), *self.setting.lab.passed()]
        reached = frozenset(op.f for op in seen if driver.sent[0] in op.markers)
        gives = not plan.given or driver.clients[1].given is not None
        refused = any(op.type == "fail" and op.distribution for op in seen)  # by a library's own code
        broke = answer.status >= _SERVER_ERROR and ("model" in reached or refused)
        shown = Shown.ACCEPTED if answer.acknowledged and gives else Shown.REFUSED
        if (shown or broke) and (reached.intersection(_ARRIVED) or (broke and refused)):
            shown = Shown.ARRIVED
        if shown == Shown.ARRIVED and answer.acknowledged and keyed and not plan.carries_history:
            shown = _remembered(driver)
        self.tried.append(_Trial(plan, answer, reached, shown))
        return self.tried[-1]

    def _try_openings(self, plan: Plan, *, keyed: bool) -> _Trial:
        """A trial; one whose session is opened before its first turn, where what opens it is seen to be no turn."""
        trial = self._try(plan, keyed=keyed or speaks_first(plan))
        if trial.shown != Shown.ARRIVED or not speaks_first(plan):
            return trial
        apart = self._try(open_apart(plan), keyed=True)
        return apart if apart.shown >= Shown.REMEMBERED else trial

    def _look_elsewhere(self, trial: _Trial, plans: tuple[Plan, ...]) -> _Trial:
        """A trial at another endpoint that goes on with what it was told, where this one is to keep nothing."""
        others = {(each.method, each.path): each for each in reversed(plans) if each.handler != trial.plan.handler}
        known = trial.plan.carries_history or trial.shown >= Shown.REMEMBERED
        if known or not others or not self._keeps_nothing(trial.plan):
            return trial
        for plan in list(reversed(others.values()))[:_MOST_ELSEWHERE]:
            other = self._try_openings(plan, keyed=True)
            if other.shown >= Shown.REMEMBERED:
                said = (
                    f"`{trial.plan.method} {trial.plan.path}` keeps nothing of what it is told, and this endpoint does"
                )
                return replace(other, plan=replace(other.plan, why=(*other.plan.why, said)))
        return trial

    def _keeps_nothing(self, plan: Plan) -> bool:
        """Whether the second turn of a session is not given the first, and nothing shows that it was to be."""
        driver = Driver(replace(self.setting, plan=plan), f"scout-{len(self.tried)}", workers={"a": self.worker})
        driver.follow((Take("a"), Take("a")))
        conversation = Conversation(driver.history())
        first, second = conversation.turns
        if second.status != "ok" or conversation.remembered_by(second, first) is not None:
            return False
        driver.follow((Locate("a"),))
        return not is_intended(Conversation(driver.history()))

    def _answer(self, trial: _Trial) -> _Trial:
        """A trial whose plan answers what is asked only if that was seen to go on with what had asked for it.

        Where only its name speaks for an endpoint that takes answers, turns that go on without it need none.
        """
        reply, plain = trial.plan.reply, replace(trial, plan=replace(trial.plan, reply=None))
        if reply is None or (reply.doubt and self._goes_on(plain.plan)):
            return plain
        return trial if self._goes_on(trial.plan, answering=True) else plain

    def _goes_on(self, plan: Plan, *, answering: bool = False) -> bool:
        """Whether the second turn of a session is given the first; `answering`: and answers what that asked."""
        driver = Driver(replace(self.setting, plan=plan), f"scout-{answering}", workers={"a": self.worker})
        driver.take("a")
        driver.take("a")
        conversation = Conversation(driver.history())
        first, second = conversation.turns
        return conversation.remembered_by(second, first) is not None and bool(second.answers) == answering


def _rivals(plan: Plan, other: Plan) -> bool:
    """Whether a plan is another guess about the endpoint of another."""
    return plan.doubt == "session" and plan.handler == other.handler and plan.message_field == other.message_field


def _remembered(driver: Driver) -> Shown:
    """Whether a session is given its first turn when it comes again, and another session is not."""
    driver.take("a", session=2)
    driver.take("a")
    conversation = Conversation(driver.history())
    first, other, again = conversation.turns
    if conversation.remembered_by(again, first) is None:
        return Shown.ARRIVED
    return Shown.KEYED if conversation.remembered_by(other, first) is None else Shown.REMEMBERED
