"""`statecheck run`: scenarios are targets whose diagnosis is known; diagnoses them and compares at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.kept import store
from statecheck.model import Diagnosis, Problem, ScenarioResult, TargetName
from statecheck.scenarios.bundled import App, Scenario, root
from statecheck.scenarios.sides import Lost, work_side_by_side
from statecheck.target.interpreters import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statecheck.lab.workers.launch import Launched
    from statecheck.options.config import Options


def run(scenarios: Sequence[Scenario], options: Options, progress: Callable[[str], None]) -> tuple[ScenarioResult, ...]:
    """Diagnose the apps of these scenarios, two beside each other, and compare with what they must get.

    Raises:
        StatecheckError: there is no such interpreter.
    """
    if options.python:
        named(options.python, Path.cwd())  # once, before any scenario is run
    apps = {app.path: scenario for scenario in scenarios for app in (*scenario.broken, *scenario.fixed)}
    tasks = [(path, _options(path, scenario, options), Path.cwd()) for path, scenario in apps.items()]
    diagnoses: dict[Path, Diagnosis] = {}
    for (path, _, home), result in work_side_by_side(tasks, _diagnose):
        diagnoses[path] = _name_lost(path, result) if isinstance(result, Lost) else result
        if _differ(path, apps[path], diagnoses[path]):
            store.protect(home, diagnoses[path].run)
        progress(f"{len(diagnoses)} of {len(tasks)} apps")
    return tuple(_result(scenario, diagnoses) for scenario in scenarios)


def _name_lost(path: Path, lost: Lost) -> Diagnosis:
    """Say of an app that the process in which it was diagnosed died."""
    text = f"the process that ran it {lost.how}"
    hint = "is there enough memory? run fewer scenarios at once"
    return _unjudged(path, Problem("side-lost", text, hint, lost.said))


def _unjudged(path: Path, problem: Problem) -> Diagnosis:
    return Diagnosis(TargetName(path.name, "", ""), "inconclusive", (), (), errors=(problem,))


def _options(app: Path, scenario: Scenario, options: Options) -> Options:
    return replace(options, volumes=tuple(app.parent / volume for volume in scenario.volumes))


_launched: Launched | None = None


def _warm_parent(options: Options) -> Launched:
    """The warm parent of this side: all scenarios import the same libraries, so one serves them one after the other."""
    global _launched  # noqa: PLW0603 - one a process of the pool
    from statecheck.lab.environment.surroundings import scenario_surroundings
    from statecheck.lab.workers.launch import launch

    if _launched is None or _launched.isolation != "namespace" or _launched.process.poll() is not None:
        _launched = launch(scenario_surroundings(root(), options))
    return _launched


def _diagnose(task: tuple[Path, Options, Path]) -> Diagnosis:
    """Diagnose one app from its own folder. Whatever goes wrong becomes a diagnosis that says so."""
    from statecheck.diagnose import diagnose_in
    from statecheck.target.resolve import resolve

    path, options, home = task
    try:
        target = resolve(path.name, path.parent)
        launched = _warm_parent(options)
        return diagnose_in(launched, target, options, lambda _: None, home, keep=True)
    except StatecheckError as error:
        problem = Problem(error.slug, error.text, error.hint, error.detail)
    except Exception as error:  # noqa: BLE001 - one app's failure must not lose the others' diagnoses
        problem = Problem("internal-error", f"{type(error).__name__}: {error}", "report it, with the command")
    return _unjudged(path, problem)


def _result(scenario: Scenario, diagnoses: dict[Path, Diagnosis]) -> ScenarioResult:
    apps = (*scenario.broken, *scenario.fixed)
    failures = [failure for app in apps for failure in _differ(app.path, scenario, diagnoses[app.path])]
    return ScenarioResult(
        scenario.name,
        scenario.expected,
        not failures,
        tuple(diagnoses[app.path] for app in scenario.broken),
        tuple(diagnoses[app.path] for app in scenario.fixed),
        scenario.title,
        scenario.look_at,
        tuple(failures),
        scenario.kind,
    )


def _differ(path: Path, scenario: Scenario, diagnosis: Diagnosis) -> list[str]:
    """What an app of a scenario got that it must not, or did not get that it must: why, and where its run is kept."""
    app = next(app for app in (*scenario.broken, *scenario.fixed) if app.path == path)
    differs = _compare(app, diagnosis) or _compare_kind(scenario, app, diagnosis)
    why = next((f" ({error.text})" for error in diagnosis.errors), "")
    kept = f"; its run: {diagnosis.run}" if diagnosis.run else ""
    return [f"{text}{why}{kept}" for text in differs]


def _compare(app: App, diagnosis: Diagnosis) -> list[str]:
    """What differs from what an app must get: exactly these causes as errors, the first of them primary."""
    named = [finding.name for finding in diagnosis.causes if finding.severity == "error"]
    wanted = ", ".join(app.expected) or app.verdict
    got = ", ".join(named) or diagnosis.verdict
    primary = diagnosis.primary
    if set(named) != set(app.expected) or (not app.expected and diagnosis.verdict != app.verdict):
        return [f"{app.path.name}: expected {wanted}, got {got}"]
    if primary is not None and primary.name != app.expected[0]:
        return [f"{app.path.name}: expected {app.expected[0]} to be primary, got {primary.name}"]
    return []


def _compare_kind(scenario: Scenario, app: App, diagnosis: Diagnosis) -> list[str]:
    """What differs in a variant: its broken app must get the kind, if only as a warning, and the twin must not."""
    kinds = [finding.kind for finding in diagnosis.causes if finding.name == scenario.cause]
    if scenario.kind is None or (scenario.kind in kinds) == (app in scenario.broken):
        return []
    wanted = scenario.kind if app in scenario.broken else f"no {scenario.kind}"
    return [f"{app.path.name}: expected {wanted}, got {', '.join(map(str, kinds)) or 'none'}"]
