"""Which experiments apply, in which order: the baseline first, as what it loses cannot be seen to be lost elsewhere."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.experiments import (
    BASELINE,
    COLD_START,
    CONCURRENT_WORKERS,
    CONTROL,
    OTHER_SESSION,
    OTHER_WORKER,
    OVERLAPPING,
    REPORTED,
    STREAM_CUT,
    Locate,
    find_experiment,
)
from statecheck.judge.checks import outcomes, told
from statecheck.judge.checks.reading import turns, unsaved
from statecheck.lab.driver import Driver, Setting
from statecheck.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statecheck.experiments import Step
    from statecheck.history import History
    from statecheck.judge.checks.reading import Channel
    from statecheck.lab.scout import Scouted
    from statecheck.model import Outcome
    from statecheck.talk.plan import Plan

_SIDE_BY_SIDE = 2  # experiments at once: each is mostly waiting, and shares two cores with its target


@dataclass
class Recorded:
    """What a run leaves to be judged.

    Attributes:
        skipped: {experiment: why it does not apply}.
        problems: why an experiment that applies could not be run, by experiment; "" is the run's own.
        outputs: {worker generation: what the target printed there}.
        framework, object: what was driven.
        plans: how it may be talked to, best first.
    """

    plan: Plan | None = None
    plans: tuple[Plan, ...] = ()
    histories: dict[str, History] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    outputs: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    framework: str = ""
    object: str = ""
    seed: int = 0


@dataclass
class Runner:
    """Runs the experiments that apply, the baseline first: what it loses cannot be seen to be lost elsewhere."""

    setting: Setting
    scouted: Scouted
    selected: tuple[str, ...]
    recorded: Recorded
    progress: Callable[[str], None]
    deadline: float

    def run(self) -> None:
        """Run them all; what does not apply is skipped with its reason."""
        self._skip_by_plan()
        if self.scouted.plan.carries_history and not self._goes_by_its_own():
            if OTHER_SESSION in self._left():
                self._one(OTHER_SESSION, Locate("a"))
            if not self._keeps_its_own():
                self._skip(self._left(), "the client sends the whole conversation with every turn")
                self._explain_errors()
                return
        if BASELINE in self._left():
            self._one(BASELINE)
        self._skip_by_baseline()
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            futures = [pool.submit(self._one, name) for name in self._left() if name != CONCURRENT_WORKERS]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.setting.lab.abort()
                raise
        if self._forgets_late() or self._leaves_unset():
            self._control()
        if self._splits():
            self._skip(self._left(), "workers do not share this conversation (other-worker)")
        for name in self._left():
            self._one(name)
        self._look_again()
        self._explain_errors()

    def _look_again(self) -> None:
        """Do what the others give reason for: the same turns in sequence, two first on an empty store, a cut answer."""
        channel, found = self._judged()
        overlapped = [found[name] for name in OVERLAPPING if name in found]
        if overlapped and (channel == "progress" or any(one.outcome == "lost" for one in overlapped)):
            self._control()
        if overlapped and self._makes_tables():
            self._one(COLD_START)
        if overlapped and self._streams():
            self._one(STREAM_CUT)

    def _skip_by_plan(self) -> None:
        """Skip what was not selected, and what the way in which a client talks leaves no room for."""
        plan = self.scouted.plan
        self._skip((name for name in REPORTED if name not in self.selected and name != BASELINE), "not selected")
        if plan.lone:
            known = (
                f"the app knows its users by a table of its own (`{plan.lone}`), so that all clients are one of them"
            )
            self._skip((OTHER_SESSION,), known)
        if not plan.overlaps:
            self._skip(OVERLAPPING, "a page in a browser sends one message at a time")

    def _skip_by_baseline(self) -> None:
        """Skip what would show nothing, by how one client in one process fared."""
        if not self._remembers():
            varied = self.scouted.plan.session_field is not None
            left = [name for name in self._left() if name != OTHER_SESSION or not varied]
            self._skip(left, f"in {BASELINE} turn 2 is not given turn 1 either")
        elif self._goes_by_answers():
            told = "each answer tells the client what to send next, so that its turns cannot overlap"
            self._skip((name for name in self._left() if name in OVERLAPPING), told)

    def _explain_errors(self) -> None:
        """Say of an experiment that ran but cannot be judged why, with what the target printed last."""
        _, found = self._judged()
        for name, judged in found.items():
            if judged.outcome == "error" and name not in self.recorded.problems:
                last = max((turn.generation for turn in judged.turns if turn.status != "ok"), default=0)
                said = next((w.output() for w in self.setting.lab.workers if w.generation == last), "")
                hint = "see its own last lines; the same turn may be sent by hand"
                self.recorded.problems[name] = Problem("turn-unanswered", judged.reason, hint, said[-4000:])

    def _skip(self, names: Iterable[str], reason: str) -> None:
        self.recorded.skipped.update(dict.fromkeys(names, reason))

    def _left(self) -> list[str]:
        done = {*self.recorded.skipped, *self.recorded.histories, *self.recorded.problems}
        return [name for name in REPORTED if name not in done]

    def _goes_by_its_own(self) -> bool:
        """Whether the app, which is sent the whole conversation, is yet lost without what it keeps itself."""
        tried = [name for name in (BASELINE, OTHER_WORKER) if name in self._left()]
        for name in tried:
            self._one(name)
        if self._remembers() and self._splits():
            return True
        for name in tried:
            self.recorded.histories.pop(name, None)
            self.recorded.problems.pop(name, None)
        return False

    def _keeps_its_own(self) -> bool:
        """Whether the app, which goes by what it is sent, has shown that it keeps what was said as well.

        From here on a client sends only what is new: how the app fares with what it keeps is else covered by the rest.
        """
        leak = self._judged()[1].get(OTHER_SESSION)
        if leak is None or leak.outcome != "leaked" or BASELINE not in self._left():
            return False
        told, plan = self.setting, replace(self.setting.plan, carries_history=False, resends=False)
        self.setting = replace(told, plan=plan)
        self._one(BASELINE)
        if self._remembers():
            self.scouted = replace(self.scouted, plan=plan)
            self.recorded.notes.append(
                "the app keeps what was said: how it fares with that was tried without sending it again"
            )
            return True
        self.setting = told
        self.recorded.histories.pop(BASELINE, None)
        self.recorded.problems.pop(BASELINE, None)
        return False

    def _one(self, name: str, *more: Step) -> None:
        if time.monotonic() > self.deadline:
            text = "the run took too long, so this experiment was not started"
            self.recorded.problems[name] = Problem("run-too-long", text, "give it more time with `--timeout`")
            return
        self.progress(name)
        driver = Driver(self.setting, name)
        try:
            driver.follow((*find_experiment(name).steps, *more))
        except StatecheckError as error:
            self.recorded.problems[name] = Problem(error.slug, error.text, error.hint, error.detail[-4000:])
        finally:
            self.recorded.histories[name] = driver.history()
            driver.stop()

    def _goes_by_answers(self) -> bool:
        """Whether each turn goes on from what the answer before it gave: a state that the client holds, or its id."""
        return any(turn.renewed for turn in turns(self.recorded.histories[BASELINE])[1:])

    def _remembers(self) -> bool:
        return BASELINE not in self.recorded.problems and self._judged()[0] is not None

    def _control(self) -> None:
        """Send the turns of one session one after the other, once."""
        if CONTROL not in self.recorded.histories:
            self._one(CONTROL)

    def _makes_tables(self) -> bool:
        """Whether the library makes tables in a database of this app's own when a store is first used."""
        history = self.recorded.histories[BASELINE]
        return any("sqlite" in op.where for op in history.select("chat-store", action="build"))

    def _streams(self) -> bool:
        """Whether answers come piece by piece, so that a client may go away in the middle."""
        return any(op.streamed for op in self.recorded.histories[BASELINE].select("turn"))

    def _forgets_late(self) -> bool:
        """Whether only the turn back at the first worker forgets: it may do so wherever it is answered."""
        found = self._judged()[1].get(OTHER_WORKER)
        return (
            found is not None and found.outcome == "lost" and len(found.turns) > 1 and bool(found.turns[1].remembered)
        )

    def _leaves_unset(self) -> bool:
        """Whether the second turn changed a session in place: that it is lost, only a third one shows."""
        history = self.recorded.histories.get(BASELINE)
        return history is not None and any(unsaved(history, turn) is not None for turn in turns(history))

    def _splits(self) -> bool:
        """Whether another worker was not given what the first one was told."""
        found = self._judged()[1].get(OTHER_WORKER)
        return found is not None and found.outcome == "lost" and bool(found.turns)

    def _judged(self) -> tuple[Channel | None, dict[str, Outcome]]:
        """What the checks say so far."""
        return outcomes(told(self.recorded.histories))
