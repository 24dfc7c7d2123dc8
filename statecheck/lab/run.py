"""One run of one target: prepares the lab, finds out how to talk, runs the experiments, returns their histories."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from statecheck.checks import BASELINE, CONTROL, OVERLAPPING, baseline_channel, outcomes
from statecheck.checks.reading import turns
from statecheck.config import EXPERIMENTS, TURN_SECONDS, Options
from statecheck.errors import StatecheckError
from statecheck.lab.client import Markers
from statecheck.lab.driver import Driver, Setting
from statecheck.lab.environment import services, target_environment
from statecheck.lab.experiments import CONTROL as CONTROL_STEPS
from statecheck.lab.experiments import EXPERIMENTS as STEPS
from statecheck.lab.launch import Launched, isolated
from statecheck.lab.locating import Locator
from statecheck.lab.readiness import Limits, ready
from statecheck.lab.relay import Relay
from statecheck.lab.scout import Scouted, scout
from statecheck.lab.workers import Lab, Worker
from statecheck.model import Problem
from statecheck.plan import AppFacts, Overrides, Plan, Route
from statecheck.source.imports import third_party
from statecheck.source.tree import SourceTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from statecheck.history import History
    from statecheck.target import Target

_START_SECONDS = 60.0
_RUN_SECONDS = 300.0
_SIDE_BY_SIDE = 2  # experiments at once: each is mostly waiting, and shares two cores with its target
_SERVERS = ("uvicorn", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on", "aiosqlite")


@dataclass
class Recorded:
    """What a run leaves to be judged.

    Attributes:
        skipped: {experiment: why it does not apply}.
        problems: why an experiment that applies could not be run, by experiment; "" is the run's own.
        outputs: {worker generation: what the target printed there}.
        framework, object: what was driven.
    """

    plan: Plan | None = None
    histories: dict[str, History] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    outputs: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    framework: str = ""
    object: str = ""
    seed: int = 0


def record(
    launched: Launched, target: Target, options: Options, progress: Callable[[str], None], *, keep: bool = False
) -> Recorded:
    """Run the experiments on a target. What goes wrong is in `problems`; nothing of the run is left behind.

    Args:
        launched: by `launch`, just before: it starts while this module is imported.
        keep: leave the warm parent running for another target, where it could be isolated by namespaces.

    Raises:
        KeyboardInterrupt: after everything was stopped.
    """
    recorded = Recorded(framework=target.framework, object=target.object or "")
    recorded.seed = options.seed if options.seed is not None else secrets.randbits(31)
    try:
        with _lab(launched, target, options, recorded, progress, keep=keep) as (lab, tree):
            try:
                _experiments(lab, target, tree, options, recorded, progress)
            finally:
                recorded.outputs = {worker.generation: worker.output() for worker in lab.workers}
    except StatecheckError as error:
        recorded.problems[""] = Problem(error.slug, error.text, error.hint, error.detail[-4000:])
    return recorded


@contextmanager
def _lab(
    launched: Launched,
    target: Target,
    options: Options,
    recorded: Recorded,
    progress: Callable[[str], None],
    *,
    keep: bool,
) -> Iterator[tuple[Lab, SourceTree]]:
    progress("importing libraries")
    environment = target_environment(os.environ, options.env)
    relays: list[Relay] = []
    lab: Lab | None = None
    try:
        tree = SourceTree.of(target)
        modules = third_party(target, tree)
        launched = isolated(launched, target, sys.executable, environment)
        recorded.notes += launched.notes
        seconds = _START_SECONDS * max(1.0, options.timeout_scale)  # of our own work: no reason to hurry it
        lab = Lab(launched, _request(target, environment), seconds, f"{target.module}-{time.monotonic_ns()}")
        if launched.isolation == "namespace":
            relays += _relays(lab, options, recorded)
        with ThreadPoolExecutor(1) as pool:
            warming = pool.submit(lab.warm, (*modules, *_SERVERS))
            _import_meanwhile()
            recorded.versions = warming.result()["versions"]
        yield lab, tree
        if lab.fresh:
            recorded.notes.append("its libraries start threads when imported, so workers were started afresh")
    except BaseException:
        keep = False
        raise
    finally:
        for relay in relays:
            relay.close()
        if lab is None:
            launched.stop()
        elif keep and launched.isolation == "namespace":
            lab.leave()
        else:
            lab.close()


def _import_meanwhile() -> None:
    """What is needed next takes a while to import, and the warm parent is busy with the same on another core."""
    for module in ("httpx", "statecheck.planning"):
        import_module(module)


def _request(target: Target, environment: dict[str, str]) -> dict[str, object]:
    roots = dict.fromkeys((str(target.project), str(target.root)))
    return {
        "module": target.module,
        "path_file": str(target.path),
        "object": target.object,
        "framework": target.framework,
        "root": str(target.root),
        "cwd": str(target.project),
        "roots": list(roots),
        "environment": environment,
    }


def _relays(lab: Lab, options: Options, recorded: Recorded) -> list[Relay]:
    started = []
    for host, port in services(options.env):
        descriptor = lab.listener(host, port)
        relay = Relay(socket.socket(fileno=descriptor), host, port)
        relay.start()
        started.append(relay)
        recorded.notes.append(f"used as given: the service at {host}:{port}")
    lab.relays = started
    return started


def _experiments(
    lab: Lab, target: Target, tree: SourceTree, options: Options, recorded: Recorded, progress: Callable[[str], None]
) -> None:
    from statecheck.planning import candidates

    scale = options.timeout_scale
    limits = Limits(_START_SECONDS * scale, TURN_SECONDS * scale)
    markers = Markers(recorded.seed)
    deadline = time.monotonic() + _RUN_SECONDS * scale
    volumes = _volumes(target, options, recorded)
    listen = target.framework != "callable"
    progress("looking for the conversation")
    worker = lab.spawn("scout/1", volumes, listen=listen)
    ready(worker, limits)
    facts = app_facts(worker, target.project)
    recorded.framework, recorded.object = facts.framework, facts.object
    overrides = Overrides(options.endpoint, options.message_field, options.session_field, options.headers)
    plans = (options.template,) if options.template else candidates(facts, target.project, overrides)
    scouted = scout(worker, plans, markers, limits)
    recorded.plan = scouted.plan
    lab.warm(worker.imported(limits.turn))
    lab.kill(worker)
    locator = Locator(tree, target.project)
    setting = Setting(lab, scouted.plan, markers, limits, volumes, locator, scouted.hold)
    _Runner(setting, scouted, options.selected(), recorded, progress, deadline).run()


def _volumes(target: Target, options: Options, recorded: Recorded) -> tuple[str, ...]:
    """Paths that outlive a redeploy: those that were named, and those that the project's own deployment names."""
    from statecheck.source import deploy

    found = tuple(dict.fromkeys(map(str, (*options.volumes, *deploy.volumes(target.project)))))
    if found:
        recorded.notes.append(f"kept across a redeploy (volumes): {', '.join(found)}")
    configured = deploy.workers(target.project)
    if configured is not None:
        number, anchor = configured
        recorded.notes.append(f"{anchor} starts {number} {'worker' if number == 1 else 'workers'}")
    return found


def app_facts(worker: Worker, project: Path) -> AppFacts:
    """What the probe told of the app, as data. Its own files are told relative to the project."""
    facts = worker.facts or {}
    return AppFacts(
        facts["framework"],
        facts["object"],
        tuple(
            Route(
                route["path"], tuple(route["methods"]), route["name"], _absolute(route["file"], project), route["line"]
            )
            for route in facts["routes"]
        ),
        facts.get("openapi"),
        tuple(facts.get("parameters", ())),
    )


def _absolute(file: str, project: Path) -> str:
    return str(project / file) if file else ""


@dataclass
class _Runner:
    """Runs the experiments that apply, the baseline first: what it loses cannot be seen to be lost elsewhere."""

    setting: Setting
    scouted: Scouted
    selected: tuple[str, ...]
    recorded: Recorded
    progress: Callable[[str], None]
    deadline: float

    def run(self) -> None:
        """Run them all; what does not apply is skipped with its reason."""
        self._skip((name for name in EXPERIMENTS if name not in self.selected and name != BASELINE), "not selected")
        if self.scouted.plan.carries_history:
            self._skip(EXPERIMENTS, "the client sends the whole conversation with every turn")
            return
        self._one(BASELINE)
        if not self._remembers():
            varied = self.scouted.plan.session_field is not None
            left = [name for name in self._left() if name != "other-session" or not varied]
            self._skip(left, f"{BASELINE} already loses the conversation")
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            futures = [pool.submit(self._one, name) for name in self._left() if name != "concurrent-workers"]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.setting.lab.abort()
                raise
        if self._splits():
            self._skip(self._left(), "workers do not share this conversation (other-worker)")
        for name in self._left():
            self._one(name)
        _, found = outcomes(self.recorded.histories)
        if any(found[name].outcome == "lost" for name in OVERLAPPING if name in found):
            self._one(CONTROL)
        self._explain_errors()

    def _explain_errors(self) -> None:
        """Say of an experiment that ran but cannot be judged why, with what the target printed last."""
        _, found = outcomes(self.recorded.histories)
        for name, outcome in found.items():
            if outcome.outcome == "error" and name not in self.recorded.problems:
                last = max((turn.generation for turn in outcome.turns if turn.status != "ok"), default=0)
                said = next((w.output() for w in self.setting.lab.workers if w.generation == last), "")
                hint = "see its own last lines; the same turn may be sent by hand"
                self.recorded.problems[name] = Problem("turn-unanswered", outcome.reason, hint, said[-4000:])

    def _skip(self, names: Iterable[str], reason: str) -> None:
        self.recorded.skipped.update(dict.fromkeys(names, reason))

    def _left(self) -> list[str]:
        done = {*self.recorded.skipped, *self.recorded.histories, *self.recorded.problems}
        return [name for name in EXPERIMENTS if name not in done]

    def _one(self, name: str) -> None:
        if time.monotonic() > self.deadline:
            text = "the run took too long, so this experiment was not started"
            self.recorded.problems[name] = Problem("run-too-long", text, "give it more time with `--timeout`")
            return
        self.progress(name)
        driver = Driver(self.setting, name)
        steps = next(experiment.steps for experiment in (*STEPS, CONTROL_STEPS) if experiment.name == name)
        try:
            driver.follow(steps)
        except StatecheckError as error:
            self.recorded.problems[name] = Problem(error.slug, error.text, error.hint, error.detail[-4000:])
        finally:
            self.recorded.histories[name] = driver.history()
            driver.stop()

    def _remembers(self) -> bool:
        history = self.recorded.histories[BASELINE]
        return BASELINE not in self.recorded.problems and baseline_channel(history) is not None

    def _splits(self) -> bool:
        """Whether another worker was not given what the first one was told."""
        from statecheck.checks import outcome

        history = self.recorded.histories.get("other-worker")
        if history is None or not turns(history):
            return False
        channel = baseline_channel(self.recorded.histories[BASELINE])
        return outcome(history, channel).outcome == "lost"
