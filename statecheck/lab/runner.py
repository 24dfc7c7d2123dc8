"""Runs the experiments that apply, in their order: which these are, each says itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError, more_time
from statecheck.experiments import BASELINE, EXPERIMENTS, find_experiment
from statecheck.lab.driver import Driver
from statecheck.lab.trials import TRIALS
from statecheck.model import NOT_SELECTED, UNANSWERED, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from statecheck.experiments import Experiment
    from statecheck.lab.recording import Recording
    from statecheck.lab.results import Results
    from statecheck.lab.setting import Setting
    from statecheck.lab.trials import Trial
    from statecheck.so_far import SoFar
    from statecheck.steps import Step

_SIDE_BY_SIDE = 2  # experiments at once: each is mostly waiting, and shares two cores with its target


def run_experiments(recording: Recording, setting: Setting) -> None:
    """Run the experiments that apply to a target, of those that were selected.

    Args:
        recording: of the run; it gets what they leave.
        setting: what they share.

    Raises:
        StatecheckError: the lab is lost; what one experiment alone fails at is among the results.
    """
    selected = recording.options.selected()
    named = recording.options.only
    Runner(setting, selected, recording.results, recording.notes, recording.progress, named).run()


@dataclass
class Runner:
    """The experiments of one run.

    Attributes:
        setting: what they share.
        selected: names of those that were asked for; the baseline is run in any case, as the others are read by it.
        results: what they leave; added to.
        notes: what the report should say; added to.
        progress: called with the name of each that is begun.
        named: the experiments that the user named, which are reported even where there is no reason for them.
    """

    setting: Setting
    selected: tuple[str, ...]
    results: Results
    notes: list[str]
    progress: Callable[[str], None]
    named: tuple[str, ...] = ()
    _sent_whole: bool = False

    def run(self) -> None:
        """Run all that apply; what does not is skipped with its reason."""
        self._rule_out()
        if self.setting.plan.carries_history:
            self._find_what_is_kept()
        while ready := self._next():
            self._run_together(ready)
        self._explain_errors()

    def _so_far(self) -> SoFar:
        return self.results.view(self.setting.plan, self.setting.locator.hints, sent_whole=self._sent_whole)

    def _rule_out(self) -> None:
        """Skip what the way in which a client talks leaves no room for, and what was not selected."""
        so_far = self._so_far()
        for experiment in EXPERIMENTS:
            if experiment.aside or experiment.where_due:  # which wait for what the baseline shows
                continue
            reason = experiment.why_not(so_far)
            if reason is None and experiment.name not in (BASELINE, *self.selected):
                reason = NOT_SELECTED
            if reason is not None:
                self.results.skipped[experiment.name] = reason

    def _next(self) -> list[Experiment]:
        """Return what can be run now, side by side; skip what has been found not to apply."""
        so_far, settled = self._so_far(), self.results.settled()
        before = len(settled)
        ready: list[Experiment] = []
        for experiment in EXPERIMENTS:
            if ready and (experiment.alone or ready[0].alone):  # these may yet show that it does not apply
                break
            if experiment.name in settled or not settled.issuperset(experiment.after):
                continue
            reason = experiment.why_not(so_far)
            if reason is None and experiment.where_due and experiment.name not in self.selected:
                self.results.skipped[experiment.name] = NOT_SELECTED
            elif reason is None:
                ready.append(experiment)
            elif not experiment.aside and (experiment.name in self.named or not experiment.where_due):
                self.results.skipped[experiment.name] = reason
                settled.add(experiment.name)
        # what was skipped just now may be what an experiment further up waited for
        return self._next() if not ready and len(settled) > before else ready

    def _run_together(self, ready: list[Experiment]) -> None:
        if len(ready) == 1:
            self._run_one(ready[0])
            return
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            futures = [pool.submit(self._run_one, experiment) for experiment in ready]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.setting.lab.abort()
                raise

    def _run_one(self, experiment: Experiment, more: tuple[Step, ...] = ()) -> None:
        name = experiment.name
        if self.setting.lab.is_late():
            text = "the run took too long, so this experiment was not started"
            self.results.problems[name] = Problem(
                "run-too-long", text, f"give it more time with {more_time(self.setting.limits.turn)}"
            )
            return
        self.progress(name)
        driver = Driver(self.setting, name)
        try:
            driver.follow((*experiment.steps, *more))
        except StatecheckError as error:
            self.results.problems[name] = Problem(error.slug, error.text, error.hint, error.detail[-4000:])
        finally:
            self.results.histories[name] = driver.history()
            driver.stop()

    def _find_what_is_kept(self) -> None:
        """Find out whether the app, which is sent the whole conversation, keeps it as well, and how to ask for that."""
        for trial in TRIALS:
            if not trial.due(self._so_far()):
                continue
            tried = self._try(trial)
            if not trial.counts(tried._so_far()):  # noqa: SLF001 - another of this class
                continue
            self.results.adopt(tried.results)
            if trial.proves:
                self.setting = tried.setting
                self.notes += [trial.note] if trial.note else []
                return
        self._sent_whole = True

    def _try(self, trial: Trial) -> Runner:
        """Run a trial's experiments; the runner that holds what they leave beside what was there."""
        plan = self.setting.plan
        if trial.sends_new:
            plan = replace(plan, carries_history=False, resends=False)
        tried = replace(self, setting=replace(self.setting, plan=plan), results=self.results.copy())
        if trial.sends_new:  # what was sent with the conversation says nothing of that
            tried.results.forget(trial.names)
        for name in trial.names:
            if name not in tried.results.settled():
                tried._run_one(find_experiment(name), trial.more)  # noqa: SLF001 - another of this class
        return tried

    def _explain_errors(self) -> None:
        """Say of an experiment that ran but cannot be judged why, with what the target printed last."""
        _, found = self.results.judge()
        for name, judged in found.items():
            if judged.outcome == "error" and name not in self.results.problems:
                last = max((turn.generation for turn in judged.turns if turn.status != "ok"), default=0)
                said = next((w.output() for w in self.setting.lab.workers if w.generation == last), "")
                hint = "see its own last lines; the same turn may be sent by hand"
                self.results.problems[name] = Problem(UNANSWERED, judged.reason, hint, said[-4000:])
