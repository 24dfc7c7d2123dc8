"""The pipeline: target, source, plan, lab, checks, causes, diagnosis. Stores each run; judges a stored one again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.kept.meta import RunMeta
from statecheck.kept.redaction import Redaction
from statecheck.kept.runs import KeptRun, keep_run, read_run, unreadable
from statecheck.model import Anchor, Diagnosis, TargetName
from statecheck.talk.plan import Proposal
from statecheck.talk.plan_text import describe, discreet

if TYPE_CHECKING:
    from collections.abc import Callable

    from statecheck.lab.head_start import HeadStart
    from statecheck.lab.recorded import Recorded
    from statecheck.lab.workers.launch import Launched
    from statecheck.options.config import Options
    from statecheck.target.resolve import Target


def diagnose(
    spec: str | None, options: Options, progress: Callable[[str], None], early: HeadStart | None = None
) -> Diagnosis:
    """Say which cause applies to a target.

    Args:
        spec: as the user typed it; None to look below the working directory.
        progress: told what is being done, a few words each time.
        early: what was begun for this target before the options were read.

    Raises:
        StatecheckError: the target cannot be read or named, or the run cannot be kept (full disk).
    """
    from statecheck.target.resolve import resolve

    target = early.resolved(spec, options.app_dir) if early else None
    target = target or resolve(spec, Path.cwd(), options.app_dir)
    record, launched, options = _launched(target, options, early)
    return diagnose_in(record, launched, target, options, progress, target.project)


def propose(spec: str | None, options: Options, progress: Callable[[str], None]) -> Proposal:
    """Say how a client would talk to a target, and why: it is loaded, but no turn is sent.

    Raises:
        StatecheckError: the target cannot be read or named.
    """
    from statecheck.target.resolve import resolve

    target = resolve(spec, Path.cwd(), options.app_dir)
    record, launched, options = _launched(target, replace(options, plans_only=True))
    recorded = record(launched, target, options, progress)
    named = meta_of(target, recorded)
    return Proposal(named.target, recorded.plans, tuple(named.problems.values()), named.notes)


def diagnose_target(target: Target, options: Options, progress: Callable[[str], None], home: Path) -> Diagnosis:
    """As `diagnose`, for a target that is resolved; the run is kept below `home`."""
    record, launched, options = _launched(target, options)
    return diagnose_in(record, launched, target, options, progress, home)


def _launched(
    target: Target, options: Options, early: HeadStart | None = None
) -> tuple[Callable[..., Recorded], Launched, Options]:
    """Start a target's warm parent; what records runs in it, and the options as its surroundings complete them."""
    from statecheck.lab.environment.surroundings import surroundings_of
    from statecheck.lab.workers.launch import launch

    surroundings, options = surroundings_of(target, options)
    launched = (early.take(surroundings) if early else None) or launch(surroundings)
    try:
        from statecheck.lab.run import record  # late: the warm parent starts meanwhile
    except BaseException:
        launched.stop()
        raise
    return record, launched, options


def diagnose_in(
    record: Callable[..., Recorded],
    launched: Launched,
    target: Target,
    options: Options,
    progress: Callable[[str], None],
    home: Path,
    *,
    keep: bool = False,
) -> Diagnosis:
    """As `diagnose_target`, in a warm parent that is there; `keep` leaves it for another target."""
    started = time.monotonic()
    recorded = record(launched, target, options, progress, keep=keep)
    redaction = Redaction(options.env, options.headers)
    run = redaction.run(KeptRun(meta_of(target, recorded), recorded.results.histories))
    outputs = {generation: redaction.text(text) for generation, text in recorded.outputs.items()}
    from statecheck.judge.verdict import judge

    diagnosis = judge(run.meta, run.histories)
    kept = keep_run(run, outputs, home)
    return replace(diagnosis, run=kept.name, seconds=time.monotonic() - started)


def meta_of(target: Target, recorded: Recorded) -> RunMeta:
    """All that is judged beside the histories."""
    plan = recorded.plan
    path = _relative(target.path, target.project)
    return RunMeta(
        TargetName(path, recorded.object or target.object or "", recorded.framework),
        handler=plan.handler if plan and plan.handler else Anchor(path, 1),
        plan=discreet(plan) if plan else None,
        talk=describe(plan) if plan else "",
        skipped=recorded.results.skipped,
        problems=recorded.results.problems,
        notes=tuple(recorded.notes),
        versions=recorded.versions,
        seed=recorded.seed,
        ops={name: len(history.ops) for name, history in recorded.results.histories.items()},
    )


def _relative(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if project in path.parents else path.as_posix()


def analyze(run: Path) -> Diagnosis:
    """Judge a stored run again, without the app.

    Raises:
        StatecheckError: the folder holds no run of this version, or is damaged.
    """
    from statecheck.judge.verdict import judge

    kept = read_run(run)
    try:
        diagnosis = judge(kept.meta, kept.histories)
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # an op that is none
        raise unreadable(run, error) from error
    return replace(diagnosis, run=_relative(run, Path.cwd()))
